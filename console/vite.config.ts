import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** Where `npm run dev` finds a node's API; a build needs none. */
const node = process.env['CORDON_NODE'] ?? 'http://127.0.0.1:8443'

export default defineConfig({
  plugins: [react()],
  base: '/',
  build: {
    target: 'es2022',
    sourcemap: false,
    // No inlined assets: the content-security policy allows none as scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
    manifest: 'manifest.json',
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': node, '/openapi.json': node } },
})
