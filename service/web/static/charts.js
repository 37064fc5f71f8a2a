// Draws each chart of the page anew, so that it can be pointed at. Without this script the pictures stay.
const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

async function draw(figure) {
  const answer = await fetch(`${figure.dataset.chart}${dark}.json`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const place = document.createElement("div");
  // The interpreter (ast) needs no eval, which the page's policy forbids; the style sheet is the page's own.
  await window.vegaEmbed(place, await answer.json(), {
    actions: false, ast: true, renderer: "svg", defaultStyle: false, tooltip: { disableDefaultStyle: true },
  });
  place.querySelector("svg")?.setAttribute("aria-hidden", "true"); // told by the words, not part by part
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", figure.dataset.alt);
  const picture = figure.querySelector("picture, p.note");
  const waiting = picture?.matches("p.note"); // its numbers were open in place of a picture
  if (picture) picture.replaceWith(place);
  if (waiting) figure.querySelector("details")?.removeAttribute("open");
}

for (const figure of document.querySelectorAll("figure[data-chart]")) {
  draw(figure).catch((error) => console.warn("The picture stays as it is:", error));
}
