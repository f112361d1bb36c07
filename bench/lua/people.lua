-- Lets wrk send each request as another user. The file that is named holds one request a line:
-- method, path, cookie, body, separated by tabs. With a second argument the answers' statuses are
-- counted, which costs wrk some time: for logins, not for pages.
local asked, turn = {}, 0
statuses = {}

local threads = {}
function setup(thread) table.insert(threads, thread) end

function init(args)
  for line in io.lines(args[1]) do
    local method, path, cookie, body = line:match("^(%S+)\t(%S+)\t([^\t]*)\t([^\t]*)$")
    local headers = { ["Sec-Fetch-Site"] = "same-origin", ["Cookie"] = cookie }
    local csrf = cookie:match("csrftoken=(%w+)")
    if csrf then headers["X-CSRFToken"] = csrf end
    if method == "POST" then headers["Content-Type"] = "application/x-www-form-urlencoded" end
    table.insert(asked, wrk.format(method, path, headers, method == "POST" and body or nil))
  end
  if args[2] then
    response = function(status)
      local key = "s" .. status
      statuses[key] = (statuses[key] or 0) + 1
    end
  end
end

function request()
  turn = turn % #asked + 1
  return asked[turn]
end

function done(summary, latency, requests)
  local total = {}
  for _, thread in ipairs(threads) do
    for status, number in pairs(thread:get("statuses")) do
      total[status] = (total[status] or 0) + number
    end
  end
  local parts = {}
  for status, number in pairs(total) do
    table.insert(parts, string.format('"%s": %d', status:sub(2), number))
  end
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.3f, "p99_ms": %.3f, ' ..
    '"max_ms": %.3f, "errors": %d, "statuses": {%s}}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    table.concat(parts, ", ")))
end
