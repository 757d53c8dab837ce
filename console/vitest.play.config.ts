import { defineConfig } from 'vitest/config'

/** Plays that need a browser: pages over fixtures, and a whole case over real nodes. */
export default defineConfig({
  test: {
    include: ['play/**/*.play.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
})
