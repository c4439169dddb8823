/** Elements of SVG as text. */

type Attributes = Readonly<Record<string, string | number>>;

/** @param content elements, or text that is escaped already */
export function element(name: string, attributes: Attributes, ...content: readonly string[]): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === "number" ? coordinate(value) : escaped(value)}"`)
    .join("");
  return content.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${content.join("")}</${name}>`;
}

export function text(x: number, y: number, said: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escaped(said));
}

export function escaped(said: string): string {
  const legal = [...said].map((char) => (isLegal(char) ? char : "\ufffd")).join("");
  return legal
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** What XML 1.0 may hold, section 2.2. */
function isLegal(char: string): boolean {
  const code = char.codePointAt(0) as number;
  const isControl = code < 0x20 && code !== 0x9 && code !== 0xa && code !== 0xd;
  return !isControl && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffe && code !== 0xffff;
}

/** A tenth of a pixel is finer than anybody sees. */
function coordinate(value: number): string {
  return `${Math.round(value * 10) / 10}`;
}
