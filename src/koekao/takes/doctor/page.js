
(() => {
  const table = document.getElementById("takes");
  const takes = [...table.tBodies];
  const text = document.getElementById("text");
  const boxes = [...document.querySelectorAll(".controls input[type=checkbox]")];
  const show = () => {
    const words = text.value.toLowerCase().split(" ").filter(Boolean);
    const levels = boxes.filter((box) => box.checked).map((box) => box.value);
    let n = 0;
    for (const take of takes) {
      const found = words.every((word) => take.dataset.words.includes(word));
      take.hidden = !levels.includes(take.dataset.level) || !found;
      n += take.hidden ? 0 : 1;
    }
    document.getElementById("shown").textContent = n === takes.length ? "" : `${n} of ${takes.length} shown`;
  };
  text.addEventListener("input", show);
  boxes.forEach((box) => box.addEventListener("change", show));
  document.querySelector(".controls").addEventListener("submit", (event) => event.preventDefault());
  document.querySelector(".controls").hidden = false;
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (take) => take.rows[0].cells[column].dataset.key;
      const compare = (one, other) => {
        const a = key(one), b = key(other);
        if (a === "" || b === "") { return (a === "" ? 1 : 0) - (b === "" ? 1 : 0); }
        const order = head.dataset.kind === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
        return up ? order : -order;
      };
      takes.slice().sort(compare).forEach((take) => table.append(take));
    });
  });
})();
