/** A column's fields in a dataset's specification, read and written where they stand
 * in its TOML: what a person wrote around them stays. */

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** From where to where a column is described. */
const block = (spec: string, column: string): [number, number] | null => {
  for (const { index: from, 0: head } of spec.matchAll(/^\[\[columns?\]\]\s*$/gm)) {
    const rest = spec.slice(from + head.length)
    const length = rest.search(/^\[/m)
    const to = length < 0 ? spec.length : from + head.length + length
    if (new RegExp(`^name\\s*=\\s*"${literal(column)}"`, 'm').test(spec.slice(from, to))) return [from, to]
  }
  return null
}

/** A field of a column; null where it is not there. */
export function fieldOf(spec: string, column: string, field: string): string | null {
  const at = block(spec, column)
  if (!at) return null
  return new RegExp(`^${field}\\s*=\\s*"([^"]*)"`, 'm').exec(spec.slice(...at))?.[1] ?? null
}

/** The specification with a column's field set; unchanged where the column is not described. */
export function withField(spec: string, column: string, field: string, value: string): string {
  const at = block(spec, column)
  if (!at) return spec
  const text = spec.slice(...at)
  const line = new RegExp(`^${field}\\s*=\\s*"[^"]*"`, 'm')
  const next = line.test(text)
    ? text.replace(line, `${field} = "${value}"`)
    : text.replace(/^(name\s*=.*)$/m, `$1\n${field} = "${value}"`)
  return spec.slice(0, at[0]) + next + spec.slice(at[1])
}
