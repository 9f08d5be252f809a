import type { Page } from "playwright-core";

/** The visible texts of a page whose colour is too close to the ground they stand on (WCAG 1.4.3), with their ratio. */
export function lowContrastTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
    const low = new Set<string>();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const text = walker.currentNode.textContent?.trim() ?? "";
      const element = walker.currentNode.parentElement;
      if (text === "" || element === null || !isShown(element)) continue;
      const ground = groundOf(element);
      const ratio = contrast(over(rgba(getComputedStyle(element).color), ground), ground);
      if (ratio < 4.5) low.add(`${text.slice(0, 40)} ${ratio.toFixed(2)}`);
    }
    return [...low];

    function isShown(element: Element): boolean {
      const { width } = element.getBoundingClientRect();
      return width > 1 && element.checkVisibility() && element.closest(":disabled, [aria-hidden=true]") === null;
    }

    function groundOf(element: Element | null): number[] {
      if (element === null) return [255, 255, 255, 1];
      const own = rgba(getComputedStyle(element).backgroundColor);
      return own[3] === 1 ? own : over(own, groundOf(element.parentElement));
    }

    function over(top: number[], below: number[]): number[] {
      const alpha = top[3]!;
      return [0, 1, 2].map((i) => top[i]! * alpha + below[i]! * (1 - alpha)).concat(1);
    }

    /** Whatever notation a colour has, the canvas knows its bytes. */
    function rgba(colour: string): number[] {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
      return [r!, g!, b!, a! / 255];
    }

    function contrast(a: number[], b: number[]): number {
      const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
      return (light! + 0.05) / (dark! + 0.05);
    }

    function luminance(colour: number[]): number {
      const [r, g, b] = colour.slice(0, 3).map((byte) => {
        const c = byte / 255;
        return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    }
  });
}
