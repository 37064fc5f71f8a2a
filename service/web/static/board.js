// Tells the value of a year anew while somebody types or slides. Without this script the form does the same.
const year = document.getElementById("year");
const volume = document.getElementById("volume");
const increments = document.getElementById("increments");
const slider = document.getElementById("slider");
const format = new Intl.NumberFormat(year.dataset.language, { maximumSignificantDigits: 3 });

// Customers are counted, so a comma parts thousands; numbers_typed.py has the same.
function customersIn(text) {
  return positive(text.trim().replace(/[\s,'’]|\.(?=\d{3}(?:\.|$))/g, ""));
}

function stepsIn(text) {
  return positive(text.replace(",", "."));
}

function positive(text) {
  const found = Number(text);
  return found > 0 && Number.isFinite(found) ? found : null;
}

function told(end, factor) {
  return end === "" ? year.dataset.open : format.format(Number(end) * factor);
}

function line(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function tell(cell, customers, steps) {
  const { low, estimate, high, tested, unit, currency } = cell.dataset;
  const output = cell.querySelector("output");
  if (customers === null) return output.replaceChildren("–");
  if (steps > Number(tested)) {
    const beyond = line("span", year.dataset.beyond);
    beyond.className = "note";
    return output.replaceChildren(beyond);
  }
  const factor = customers * steps * Number(unit);
  const ends = [told(low, factor), told(high, factor)];
  const range = line("span", (factor < 0 ? ends.reverse() : ends).join(` ${year.dataset.to} `));
  range.className = "note";
  const middle = line("strong", estimate === "" ? "–" : told(estimate, factor));
  return output.replaceChildren(middle, ` ${currency}`, document.createElement("br"), range);
}

function tellAll() {
  const customers = customersIn(volume.value);
  const steps = stepsIn(increments.value) ?? 1;
  for (const cell of document.querySelectorAll("td.worth")) tell(cell, customers, steps);
}

for (const field of [volume, increments]) field.addEventListener("input", tellAll);
increments.addEventListener("input", () => slider && (slider.value = stepsIn(increments.value) ?? 1));
if (slider) {
  slider.hidden = false;
  slider.addEventListener("input", () => {
    increments.value = slider.value;
    tellAll();
  });
}
