"use strict";
// Asks for a passkey, and sends the answer as a field of the form that the button stands in.
// Without scripts or passkeys the button stays hidden, and all else works.
(() => {
  const button = document.querySelector("button[data-passkey]");
  const kit = window.PublicKeyCredential;
  if (!button || !kit?.parseRequestOptionsFromJSON) return;
  const { form } = button;
  const said = document.getElementById("passkey-said");
  const isNew = button.dataset.passkey === "create";
  const options = JSON.parse(button.dataset.options);
  const publicKey = isNew ? kit.parseCreationOptionsFromJSON(options) : kit.parseRequestOptionsFromJSON(options);
  let waiting;

  const ask = async (mediation) => {
    waiting?.abort();
    waiting = new AbortController();
    const wish = { publicKey, signal: waiting.signal, ...(mediation && { mediation }) };
    try {
      const found = await (isNew ? navigator.credentials.create(wish) : navigator.credentials.get(wish));
      form.elements.answer.value = JSON.stringify(found);
      form.action = button.dataset.action;
      HTMLFormElement.prototype.submit.call(form);
    } catch (error) {
      if (error.name === "AbortError" || mediation) return;
      said.textContent = error.name === "InvalidStateError" ? "This passkey was added before." : "That didn't work. Nothing was changed. Please try again.";
      said.dataset.why = error.name;
      said.hidden = false;
    }
  };
  button.addEventListener("click", () => ask());
  button.hidden = false;
  if ("auto" in button.dataset) kit.isConditionalMediationAvailable?.().then((can) => can && ask("conditional"));
})();
