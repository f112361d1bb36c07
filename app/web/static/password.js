"use strict";
// Shows what is typed into a password field, and says what a new password still lacks.
// Without scripts the buttons stay hidden, and a new password is typed twice.
(() => {
  for (const button of document.querySelectorAll("button[data-reveal]")) {
    const field = button.parentElement.querySelector("input");
    const show = (shown) => {
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
    };
    button.addEventListener("click", () => show(field.type === "password"));
    field.form?.addEventListener("submit", () => show(false)); // browsers offer to save it
    button.hidden = false;
  }
  const line = document.querySelector("[data-strength]");
  const password = document.getElementById("password");
  const confirm = document.getElementById("confirm");
  if (!line || !password || !confirm) return;
  const { form } = password;
  confirm.closest(".field").hidden = true;
  form.addEventListener("formdata", ({ formData }) => formData.set("confirm", password.value));

  const shortest = Number(line.dataset.strength);
  const own = () =>
    ["username", "email"]
      .map((name) => form.elements[name]?.value.split("@")[0].toLowerCase())
      .filter((text) => text?.length > 3);
  const lacks = (text) => {
    const missing = shortest - [...text].length;
    if (missing > 0) return `${missing} more character${missing > 1 ? "s" : ""}`;
    if (own().some((name) => text.toLowerCase().includes(name))) return "Leave out your name and address";
    if (new Set(text).size < 6) return "Use more different characters";
    return "";
  };
  const tell = () => {
    const lacking = lacks(password.value);
    line.hidden = !password.value;
    line.classList.toggle("good", !lacking);
    line.querySelector("span").textContent = lacking || "Long enough";
  };
  form.addEventListener("input", tell);
})();
