"use strict";
// The film and the timeline keep together: a click on a turn seeks, playing marks the turn.
const film = document.querySelector("video");
const turns = [...document.querySelectorAll("[data-begins]")];
function mark(index) {
  for (const turn of turns) turn.classList.toggle("now", turn.dataset.turn === index);
}
for (const link of document.querySelectorAll(".line a")) {
  link.addEventListener("click", () => {
    mark(link.dataset.turn);
    if (film) film.currentTime = Number(link.dataset.begins) + 0.01;
  });
}
if (film) {
  film.addEventListener("timeupdate", () => {
    const now = film.currentTime;
    const here = turns.filter((turn) => Number(turn.dataset.begins) <= now).pop();
    if (here) mark(here.dataset.turn);
  });
}
