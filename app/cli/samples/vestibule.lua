-- Asks Vestibule before each request of an application. For HAProxy 2.6 or newer.
-- Made by: python -m app sites sample … --for haproxy-lua

local NAMES = { "remote-user", "remote-email", "remote-name", "remote-groups" }
local ANSWERS = { "location", "www-authenticate", "retry-after", "content-type", "cache-control" }
local HANDED_ON = {
  "cookie", "authorization", "accept", "origin", "sec-fetch-site", "sec-fetch-mode",
  "sec-websocket-key", "x-requested-with", "user-agent", "x-forwarded-for",
}

local function all_of(headers, name)
  local found = {}
  if headers[name] ~= nil then
    for _, value in pairs(headers[name]) do
      found[#found + 1] = value
    end
  end
  return found
end

core.register_action("vestibule", { "http-req" }, function(txn, login, scheme)
  local given = txn.http:req_get_headers()
  local asked = {
    ["x-forwarded-method"] = { txn.sf:method() },
    ["x-forwarded-proto"] = { scheme },
    ["x-forwarded-host"] = { txn.sf:req_hdr("host") },
    ["x-forwarded-uri"] = { txn.sf:pathq() },
  }
  for _, name in ipairs(HANDED_ON) do
    local values = all_of(given, name)
    if #values > 0 then
      asked[name] = values
    end
  end
  local answer = core.httpclient():get({ url = login .. "/gate/check", headers = asked, timeout = 5000 })
  if answer ~= nil and answer.status == 200 then
    for _, name in ipairs(NAMES) do
      local values = all_of(answer.headers, name)
      if #values ~= 1 or values[1] == "" then
        return
      end
      txn.http:req_set_header(name, values[1])
    end
    txn:set_var("txn.vestibule", "passed")
    return
  end
  local reply = txn:reply()
  local status = answer ~= nil and answer.status or 502
  reply:set_status(status >= 300 and status or 502)
  if answer ~= nil and answer.headers ~= nil then
    for _, name in ipairs(ANSWERS) do
      for _, value in ipairs(all_of(answer.headers, name)) do
        reply:add_header(name, value)
      end
    end
    reply:set_body(answer.body or "")
  end
  txn:done(reply)
end, 2)
