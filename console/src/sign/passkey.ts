/** The browser's side of passkeys: options in, an assertion or a new key out. */

/** Why the browser gave nothing. */
export class PasskeyRefused extends Error {
  readonly reason: 'cancelled' | 'unsupported' | 'known' | 'failed'
  constructor(reason: PasskeyRefused['reason'], detail: string) {
    super(detail)
    this.name = 'PasskeyRefused'
    this.reason = reason
  }
}

export function supported(): boolean {
  return typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

function reasonOf(error: unknown): PasskeyRefused {
  const name = error instanceof DOMException ? error.name : ''
  const detail = error instanceof Error ? error.message : String(error)
  if (name === 'NotAllowedError' || name === 'AbortError') return new PasskeyRefused('cancelled', detail)
  if (name === 'InvalidStateError') return new PasskeyRefused('known', detail)
  return new PasskeyRefused('failed', detail)
}

function need(): void {
  if (!supported()) throw new PasskeyRefused('unsupported', 'no WebAuthn in this browser')
}

/** Asks for an assertion; gives its JSON form. */
export async function assertion(options: unknown): Promise<unknown> {
  need()
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as PublicKeyCredentialRequestOptionsJSON)
    const credential = await navigator.credentials.get({ publicKey })
    if (!credential) throw new PasskeyRefused('cancelled', 'no credential was given')
    return (credential as PublicKeyCredential).toJSON()
  } catch (error) {
    throw error instanceof PasskeyRefused ? error : reasonOf(error)
  }
}

/** Makes a new passkey; gives its JSON form. */
export async function creation(options: unknown): Promise<unknown> {
  need()
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
      options as PublicKeyCredentialCreationOptionsJSON,
    )
    const credential = await navigator.credentials.create({ publicKey })
    if (!credential) throw new PasskeyRefused('cancelled', 'no credential was made')
    return (credential as PublicKeyCredential).toJSON()
  } catch (error) {
    throw error instanceof PasskeyRefused ? error : reasonOf(error)
  }
}
