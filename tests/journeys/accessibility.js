// WCAG 2.1, 1.4.3: the contrast of every text that is seen, against what lies under it.
() => {
  const ICON_FONT = /material symbols/i;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();

  // Painting it resolves every way to write a colour, oklch() and color-mix() too, to sRGB.
  const rgba = (css) => {
    if (!known.has(css)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = css;
      brush.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
      known.set(css, [red, green, blue, alpha / 255]);
    }
    return known.get(css);
  };

  const over = (top, below) => {
    const alpha = top[3] + below[3] * (1 - top[3]);
    const mix = (i) => (alpha ? (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / alpha : 0);
    return [mix(0), mix(1), mix(2), alpha];
  };

  const faded = (colour, opacity) => [colour[0], colour[1], colour[2], colour[3] * opacity];

  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const hex = (colour) =>
    "#" + colour.slice(0, 3).map((value) => Math.round(value).toString(16).padStart(2, "0")).join("");

  const where = (element) =>
    element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + [...element.classList].slice(0, 3).map((name) => "." + name).join("");

  // The text's colour and what is under it, as seen; null where that is an image or nothing is seen.
  const seen = (element, css) => {
    let text = rgba(css);
    let ground = [0, 0, 0, 0];
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      const clipped = style.overflow !== "visible" || style.clipPath !== "none" || style.clip !== "auto";
      if (clipped && style.display !== "inline" && (box.width <= 1 || box.height <= 1)) return null;
      if (style.backgroundImage !== "none" && ground[3] < 1) return null;
      const layer = rgba(style.backgroundColor);
      text = over(text, layer);
      ground = over(ground, layer);
      text = faded(text, Number(style.opacity));
      ground = faded(ground, Number(style.opacity));
    }
    const paper = [255, 255, 255, 1];
    return { text: over(text, paper), ground: over(ground, paper) };
  };

  const failures = [];
  const judge = (element, words, css) => {
    const style = getComputedStyle(element);
    const control = element.closest("label")?.control;
    const disabled = element.closest(":disabled, [aria-disabled=true]") || control?.disabled;
    const hidden = !element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!words || disabled || hidden || ICON_FONT.test(style.fontFamily)) return;
    const colours = seen(element, css);
    if (!colours) return;
    const [dark, light] = [luminance(colours.text), luminance(colours.ground)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < needed) {
      const found = { text: words.slice(0, 60), where: where(element), ratio: Math.round(ratio * 100) / 100, needed };
      failures.push({ ...found, colour: hex(colours.text), background: hex(colours.ground) });
    }
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const drawn = [...range.getClientRects()].some((box) => box.width > 0 && box.height > 0);
    const element = walker.currentNode.parentElement;
    if (drawn) judge(element, walker.currentNode.data.trim(), getComputedStyle(element).color);
  }
  const NO_TEXT = "[type=hidden], [type=checkbox], [type=radio], [type=range], [type=color], [type=file], [type=image]";
  for (const control of document.querySelectorAll("input, textarea, select")) {
    if (control.matches(NO_TEXT)) continue;
    const words = control.tagName === "SELECT" ? control.selectedOptions[0]?.text : control.value;
    if (words) judge(control, words.trim(), getComputedStyle(control).color);
    else judge(control, control.placeholder?.trim(), getComputedStyle(control, "::placeholder").color);
  }
  return failures;
}
