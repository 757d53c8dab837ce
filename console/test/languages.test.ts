import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import * as books from '../src/i18n/words'

const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))
const files = (dir: string): string[] =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) && !name.endsWith('.d.ts') ? [path] : []
  })
const parsed = files(SOURCE).map((path) => ({
  path: path.slice(SOURCE.length),
  tree: ts.createSourceFile(
    path,
    readFileSync(path, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
    path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
  ),
}))

const han = /\p{Script=Han}/u
/** What a text says in itself: `${…}` is somebody else's words. */
function said(node: ts.Node): string | null {
  if (ts.isStringLiteralLike(node)) return node.text
  if (ts.isTemplateExpression(node))
    return node.head.text + node.templateSpans.map((span) => span.literal.text).join('')
  return null
}
function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => visit(child, look))
}
const where = (path: string, node: ts.Node) =>
  `${path}:${node.getSourceFile().getLineAndCharacterOfPosition(node.getStart()).line + 1}`

describe('both languages are whole', () => {
  test('each `say` has Chinese, then English', () => {
    const wrong: string[] = []
    let count = 0
    for (const { path, tree } of parsed)
      visit(tree, (node) => {
        if (!ts.isCallExpression(node) || node.expression.getText() !== 'say') return
        count++
        const [zh, en] = node.arguments
        const [inZh, inEn] = [zh && said(zh), en && said(en)]
        if (inZh == null || inEn == null) {
          // Pairs from a book or an API are checked where they stand.
          if (zh && en && said(zh) === null && said(en) === null) return
          if (
            [zh, en].some(
              (a) =>
                a &&
                (ts.isBinaryExpression(a) ||
                  ts.isCallExpression(a) ||
                  ts.isIdentifier(a) ||
                  ts.isPropertyAccessExpression(a)),
            )
          )
            return
          wrong.push(where(path, node))
        } else if (han.test(inEn) || (/[a-z]{3}/i.test(inEn) && !han.test(inZh))) wrong.push(where(path, node))
      })
    expect(wrong).toEqual([])
    expect(count).toBeGreaterThan(400)
  })
  test('no text stands on a page in one language alone', () => {
    const wrong: string[] = []
    for (const { path, tree } of parsed)
      visit(tree, (node) => {
        if (
          ts.isJsxText(node) &&
          (han.test(node.text) || /[A-Za-z]{3,}/.test(node.text)) &&
          node.text.trim() !== 'Cordon'
        )
          wrong.push(`${where(path, node)} ${node.text.trim()}`)
        const attribute =
          ts.isJsxAttribute(node) && node.initializer && ts.isStringLiteral(node.initializer) ? node : null
        if (
          attribute &&
          ['aria-label', 'title', 'placeholder', 'label', 'alt', 'legend', 'hint'].includes(attribute.name.getText())
        ) {
          const text = (attribute.initializer as ts.StringLiteral).text
          if (/[A-Za-z]{3,}/.test(text) || han.test(text)) wrong.push(`${where(path, node)} ${text}`)
        }
      })
    expect(wrong).toEqual([])
  })
  test.each(Object.entries(books).filter(([, book]) => typeof book === 'object'))('%s', (_, book) => {
    for (const [code, [zh, en]] of Object.entries(book as Record<string, readonly [string, string]>)) {
      expect(han.test(zh), `${code}: ${zh}`).toBe(true)
      expect(en.length > 0 && !han.test(en), `${code}: ${en}`).toBe(true)
    }
  })
})
