// Values under the pointer, read from the drawn lines: no second copy of the data.
(() => {
  const tip = document.getElementById("tip");
  const zone = document.body.dataset.zone;
  const clock = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone });
  const digits = (low, high) => Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.max(high - low, 1e-9)))));
  const points = new WeakMap();
  const read = (line) => {
    if (!points.has(line)) points.set(line, [...line.getAttribute("d").matchAll(/[ML]([-\d.e]+) ([-\d.e]+)/g)].map((m) => [+m[1], +m[2]]));
    return points.get(line);
  };
  document.querySelectorAll("svg.time").forEach((svg) => {
    const d = svg.dataset, num = (key) => +d[key];
    const lines = [...svg.querySelectorAll("path[data-label]")].filter((line) => read(line).length);
    if (!lines.length) return;
    const rule = document.createElementNS("http://www.w3.org/2000/svg", "line");
    rule.setAttribute("class", "hover-line");
    rule.setAttribute("y1", d.top);
    rule.setAttribute("y2", d.bottom);
    const hide = () => { tip.style.display = "none"; rule.remove(); };
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      if (x < num("left") || x > num("right")) return hide();
      const time = num("start") + (x - num("left")) / (num("right") - num("left")) * (num("end") - num("start"));
      const places = digits(num("low"), num("high"));
      const rows = lines.map((line) => {
        const nearest = read(line).reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
        const value = num("low") + (num("bottom") - nearest[1]) / (num("bottom") - num("top")) * (num("high") - num("low"));
        const row = document.createElement("div"), mark = document.createElement("i"), bold = document.createElement("b");
        row.className = line.getAttribute("class").replace(/\b(line|area|thin|faint|dashed)\b/g, "");
        bold.textContent = value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
        row.append(mark, `${line.dataset.label} `, bold, ` ${d.unit}`);
        return row;
      });
      const when = document.createElement("div");
      when.textContent = clock.format(new Date(time * 1000));
      tip.replaceChildren(when, ...rows);
      tip.style.display = "block";
      const left = event.clientX + 16, wide = tip.offsetWidth;
      tip.style.left = `${left + wide > innerWidth - 8 ? event.clientX - wide - 16 : left}px`;
      tip.style.top = `${Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)}px`;
      rule.setAttribute("x1", x);
      rule.setAttribute("x2", x);
      if (!rule.isConnected) svg.append(rule);
    });
    svg.addEventListener("pointerleave", hide);
  });
})();
