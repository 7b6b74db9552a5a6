// Looks for faults in the page that it is evaluated in, and returns them by kind.
(() => {
  const name = (element) =>
    `<${element.tagName} class="${element.getAttribute("class") ?? ""}"> ${element.textContent.trim().slice(0, 40)}`;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Right edges beyond the window; what scrolls in a box of its own may be wider.
  const overflowing = () => {
    const width = document.documentElement.clientWidth;
    const page = document.documentElement.scrollWidth > width ? ["the page itself"] : [];
    const outside = all("body *").filter(
      (element) => !element.closest(".scroll > *") && element.getBoundingClientRect().right > width + 1);
    return [...page, ...outside.map(name)];
  };

  const picturesWithoutText = () =>
    all("img, svg").filter((picture) => !(picture.alt || picture.getAttribute("aria-label"))).map(name);

  const brokenPictures = () =>
    all("img").filter((picture) => !picture.complete || picture.naturalWidth === 0).map(name);

  const headingsOutOfOrder = () => {
    const headings = all("h1, h2, h3, h4, h5, h6");
    const level = (heading) => Number(heading?.tagName[1] ?? 0);
    return headings.filter((heading, i) =>
      level(heading) > level(headings[i - 1]) + 1 || (level(heading) === 1) !== (i === 0)).map(name);
  };

  // WCAG 2.2, 1.4.3: luminance of sRGB colours, and the contrast of two of them.
  const channels = (colour) => {
    const numbers = colour.match(/[\d.]+/g).map(Number);
    return colour.startsWith("color(") ? numbers : numbers.map((value, i) => i < 3 ? value / 255 : value);
  };
  const luminance = (colour) => channels(colour).slice(0, 3)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const background = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const faintText = () => all("body *").filter((element) => {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const style = getComputedStyle(element);
    const colour = element.closest("svg") ? style.fill : style.color;
    return hasText && element.checkVisibility() && element.tagName !== "style"
      && contrast(colour, background(element)) < 4.5;
  }).map(name);

  // Labels of a chart whose boxes cover each other by more than a pixel.
  const overlappingLabels = () => all("svg").flatMap((chart) => {
    const labels = all("text", chart).map((text) => [text, text.getBoundingClientRect()]);
    return labels.flatMap(([text, a], i) => labels.slice(i + 1)
      .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1)
      .map(([other]) => `${text.textContent} / ${other.textContent}`));
  });

  const checks = {
    overflowing, picturesWithoutText, brokenPictures, headingsOutOfOrder, faintText, overlappingLabels };
  const results = Object.entries(checks).map(([kind, check]) => [kind, check()]);
  return Object.fromEntries(results.filter(([, faults]) => faults.length));
})()
