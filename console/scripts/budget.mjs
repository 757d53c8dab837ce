// Measures what the first view loads and fails the build beyond the budget;
// writes .br and .gz beside every asset for nodes to serve as they are.
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const dist = new URL('../dist/', import.meta.url).pathname
/** Compressed scripts of the first view; the house's limit is 1 MB. */
const FIRST_VIEW_BYTES_MAX = 400_000
/** Any single chunk, loaded later or not. */
const CHUNK_BYTES_MAX = 400_000
/** Below this a compressed sibling gains nothing. */
const WORTH_BYTES = 1024

const manifest = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'))
const entry = Object.values(manifest).find((chunk) => chunk.isEntry)
const first = new Set()
const walk = (chunk) => {
  if (first.has(chunk.file)) return
  first.add(chunk.file)
  for (const css of chunk.css ?? []) first.add(css)
  for (const name of chunk.imports ?? []) walk(manifest[name])
}
walk(entry)

const files = (dir) =>
  readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    return statSync(path).isDirectory() ? files(path) : [path]
  })

let firstBytes = 0
let failed = false
const rows = []
for (const path of files(dist)) {
  if (!/\.(js|css|html|svg)$/.test(path)) continue
  const bytes = readFileSync(path)
  const gz = gzipSync(bytes, { level: 9 })
  if (bytes.length >= WORTH_BYTES) {
    writeFileSync(`${path}.gz`, gz)
    const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 }
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: quality }))
  }
  const name = path.slice(dist.length)
  const early = first.has(name)
  if (early && name.endsWith('.js')) firstBytes += gz.length
  if (gz.length > CHUNK_BYTES_MAX) {
    console.error(`budget: ${name} has ${gz.length} bytes compressed, over ${CHUNK_BYTES_MAX}`)
    failed = true
  }
  rows.push([gz.length, bytes.length, early ? 'first view' : 'later', name])
}
rows.sort((a, b) => b[0] - a[0])
for (const [gz, raw, when, name] of rows.slice(0, 40))
  console.log(`${String(gz).padStart(8)} gz ${String(raw).padStart(8)}  ${when.padEnd(10)} ${name}`)
console.log(`first view: ${firstBytes} bytes of compressed scripts (limit ${FIRST_VIEW_BYTES_MAX})`)
if (firstBytes > FIRST_VIEW_BYTES_MAX) {
  console.error('budget: the first view loads more than its limit')
  failed = true
}
process.exit(failed ? 1 : 0)
