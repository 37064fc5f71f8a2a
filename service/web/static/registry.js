// Says while one types whether it would be a CPI, and shows the fields of what was chosen. Without this script
// the same is told at each step.
const form = document.querySelector("form.registering");
const panel = document.getElementById("panel");
let waiting = 0;
let asked = 0;

async function check() {
  const mine = (asked += 1);
  const answer = await fetch(form.dataset.check, {
    method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin", redirect: "error",
  });
  if (answer.ok && mine === asked) panel.innerHTML = await answer.text();
}

if (form && panel && form.dataset.check) {
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => check().catch((error) => console.warn("Not checked:", error)), 300);
  });
}

if (form) {
  for (const chosen of form.querySelectorAll("select[data-redraw]")) {
    chosen.addEventListener("change", () => {
      const stay = Object.assign(document.createElement("input"), { type: "hidden", name: "go", value: "stay" });
      form.append(stay);
      form.submit();
    });
  }
}
const trouble = document.getElementById("trouble");
if (trouble) trouble.focus();

const open = document.querySelector("[data-look-again]");
if (open) {
  setTimeout(() => location.reload(), 2000);
}

const asking = document.querySelector("form[data-ask-again]");
if (asking) {
  setTimeout(() => asking.submit(), 2000);
}
