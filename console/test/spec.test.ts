import { expect, test } from 'vitest'
import { fieldOf, withField } from '../src/lib/spec'

const spec = `kind = "accounts"

[[columns]]
name = "account"
source_name = "账号"
semantic = "account"
disclosure = "open"

# by hand
[[columns]]
name = "limit (day)"
semantic = "money"

[[keys]]
name = "account"
columns = ["account"]
`

test('a field is read where its column stands', () => {
  expect(fieldOf(spec, 'account', 'disclosure')).toBe('open')
  expect(fieldOf(spec, 'limit (day)', 'semantic')).toBe('money')
  expect(fieldOf(spec, 'limit (day)', 'disclosure')).toBeNull()
  expect(fieldOf(spec, 'other', 'semantic')).toBeNull()
})
test('a field is written there, and everything else stays', () => {
  expect(withField(spec, 'account', 'disclosure', 'never')).toBe(spec.replace('"open"', '"never"'))
  const added = withField(spec, 'limit (day)', 'disclosure', 'never')
  expect(fieldOf(added, 'limit (day)', 'disclosure')).toBe('never')
  expect(added.replace('disclosure = "never"\n', '')).toBe(spec)
  expect(fieldOf(added, 'account', 'disclosure')).toBe('open')
  expect(withField(spec, 'other', 'semantic', 'text')).toBe(spec)
})
