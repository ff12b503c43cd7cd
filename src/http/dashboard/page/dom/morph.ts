/**
 * Makes an element's attributes and children equal to those of another element, and leaves alone what is equal already. So
 * focus, selection, scroll position, open details and half-typed text survive. Siblings with the same `data-key` are the same
 * element.
 */
export function morph(from: Element, to: Element): void {
  morphAttributes(from, to);
  const wanted = new Set([...to.children].map(keyOf));
  for (const child of [...from.children]) if (!wanted.has(keyOf(child))) child.remove();
  let current = from.firstChild;
  for (const next of [...to.childNodes]) {
    if (current?.nodeName !== next.nodeName || keyOf(current) !== keyOf(next)) {
      from.insertBefore(next, current);
      continue;
    }
    if (current instanceof Element) morph(current, next as Element);
    else if (current.nodeValue !== next.nodeValue) current.nodeValue = next.nodeValue;
    current = current.nextSibling;
  }
  while (current) {
    const { nextSibling } = current;
    current.remove();
    current = nextSibling;
  }
}

function morphAttributes(from: Element, to: Element): void {
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  // Only the user opens and closes dialogs and details.
  for (const { name } of [...from.attributes])
    if (name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  // Once the user has clicked a box, its attribute no longer says whether it is checked.
  if (from instanceof HTMLInputElement) from.checked = to.hasAttribute("checked");
}

const keyOf = (node: Node | null): string | undefined => (node as HTMLElement | null)?.dataset?.["key"];
