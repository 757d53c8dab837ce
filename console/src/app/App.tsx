/** The console's frame: providers, sign-in, routes. */
import { QueryClientProvider } from '@tanstack/react-query'
import { useState } from 'react'
import { createHashRouter, RouterProvider } from 'react-router'
import { newQueryClient } from '../api/queries'
import { SpeechProvider } from '../i18n/lang'
import { ToastProvider } from '../ui/toast'
import { routes } from './routes'
import { SessionProvider } from './session'

export function App() {
  const [queries] = useState(newQueryClient)
  const [router] = useState(() => createHashRouter(routes))
  return (
    <SpeechProvider>
      <QueryClientProvider client={queries}>
        <ToastProvider>
          <SessionProvider>
            <RouterProvider router={router} />
          </SessionProvider>
        </ToastProvider>
      </QueryClientProvider>
    </SpeechProvider>
  )
}
