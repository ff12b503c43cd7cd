import type { Html, Tag } from "./html.ts";

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes the children of an element equal to `wanted`, and does not touch what is equal already. So focus, selection,
 * scroll position, open details and half-typed text survive. Elements with the same `data-key` are the same.
 */
export function morph(parent: Element, wanted: Html): void {
  const keys = new Set(wanted.map(keyOf));
  const known = new Map<string, Element>();
  for (const child of [...parent.children]) {
    const key = (child as HTMLElement).dataset["key"];
    if (!keys.has(key)) child.remove();
    else if (key !== undefined) known.set(key, child);
  }
  let current = parent.firstChild;
  for (const next of wanted) {
    const key = keyOf(next);
    const found = key === undefined ? current : (known.get(key) ?? null);
    if (!isSame(found, next)) parent.insertBefore(nodeOf(next, parent), current);
    else {
      if (found !== current) parent.insertBefore(found, current);
      else current = found.nextSibling;
      update(found, next);
    }
  }
  while (current) {
    const { nextSibling } = current;
    current.remove();
    current = nextSibling;
  }
}

const keyOf = (node: Tag | string): string | undefined =>
  typeof node === "string" ? undefined : node.attributes.get("data-key");

function isSame(node: Node | null, wanted: Tag | string): node is ChildNode {
  if (typeof wanted === "string") return node instanceof Text;
  return (
    node instanceof Element &&
    node.localName === wanted.name &&
    (node as HTMLElement).dataset["key"] === wanted.attributes.get("data-key")
  );
}

function update(node: Node, wanted: Tag | string): void {
  if (typeof wanted !== "string") {
    setAttributes(node as Element, wanted.attributes);
    morph(node as Element, wanted.children);
  } else if (node.nodeValue !== wanted) node.nodeValue = wanted;
}

function nodeOf(wanted: Tag | string, parent: Element): Node {
  if (typeof wanted === "string") return document.createTextNode(wanted);
  const space = wanted.name === "svg" ? SVG : parent.namespaceURI;
  const made = document.createElementNS(space, wanted.name);
  update(made, wanted);
  return made;
}

function setAttributes(element: Element, wanted: ReadonlyMap<string, string>): void {
  const before = element.getAttribute("value");
  for (const [name, value] of wanted) {
    if (element.getAttribute(name) === value) continue;
    element.setAttribute(name, value);
    // After a choice of the user, the attribute no longer selects the option.
    if (element instanceof HTMLOptionElement && name === "selected") element.selected = true;
  }
  // Only the user opens and closes dialogs and details.
  for (const { name } of [...element.attributes])
    if (name !== "open" && !wanted.has(name)) element.removeAttribute(name);
  if (!(element instanceof HTMLInputElement)) return;
  // After a click of the user, the attribute no longer checks the box, and what was typed hides another value.
  element.checked = wanted.has("checked");
  if (before !== element.getAttribute("value")) element.value = element.defaultValue;
}
