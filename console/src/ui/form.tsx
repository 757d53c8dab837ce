/** Form parts: each control has its label, hint and error tied to it. */
import { CircleAlert } from 'lucide-react'
import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react'

interface Around {
  label: ReactNode
  hint?: ReactNode
  error?: ReactNode
}

function Field({ id, label, hint, error, children }: Around & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      <Wrong id={`${id}-error`} error={error} />
    </div>
  )
}

function Wrong({ id, error }: { id: string; error: ReactNode }) {
  if (!error) return null
  return (
    <div className="wrong" id={id}>
      <CircleAlert size={14} aria-hidden style={{ alignSelf: 'center', flex: 'none' }} />
      <span>{error}</span>
    </div>
  )
}

const described = (id: string, hint: ReactNode, error: ReactNode) =>
  [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ') || undefined

type InputProps = Around & InputHTMLAttributes<HTMLInputElement> & { after?: ReactNode }

export function TextField({ label, hint, error, after, ...rest }: InputProps) {
  const id = useId()
  const input = (
    <input
      autoComplete="off"
      {...rest}
      id={id}
      className="input"
      aria-invalid={error ? true : undefined}
      aria-describedby={described(id, hint, error)}
    />
  )
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      {after ? (
        <div className="affix">
          {input}
          <span className="muted">{after}</span>
        </div>
      ) : (
        input
      )}
    </Field>
  )
}

export function TextArea({ label, hint, error, ...rest }: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId()
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      <textarea
        rows={3}
        {...rest}
        id={id}
        className={`input ${rest.className ?? ''}`}
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, hint, error)}
      />
    </Field>
  )
}

export function Select({
  label,
  hint,
  error,
  options,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement> & { options: readonly (readonly [string, string])[] }) {
  const id = useId()
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      <select
        {...rest}
        id={id}
        className="input"
        aria-invalid={error ? true : undefined}
        aria-describedby={described(id, hint, error)}
      >
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Field>
  )
}

export interface Option {
  value: string
  name: ReactNode
  what?: ReactNode
  disabled?: boolean
}

/** Several of a list, as boxes to tick. */
export function Picks({
  legend,
  hint,
  error,
  options,
  chosen,
  onChange,
}: {
  legend: ReactNode
  hint?: ReactNode
  error?: ReactNode
  options: readonly Option[]
  chosen: readonly string[]
  onChange: (chosen: string[]) => void
}) {
  const id = useId()
  return (
    <fieldset aria-describedby={described(id, hint, error)}>
      <legend>{legend}</legend>
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      <div className="picks">
        {options.map((option) => (
          <label key={option.value} className="pick">
            <input
              type="checkbox"
              checked={chosen.includes(option.value)}
              disabled={option.disabled}
              onChange={(event) =>
                onChange(
                  event.target.checked ? [...chosen, option.value] : chosen.filter((value) => value !== option.value),
                )
              }
            />
            <span>
              {option.name}
              {option.what && <span className="what">{option.what}</span>}
            </span>
          </label>
        ))}
      </div>
      <Wrong id={`${id}-error`} error={error} />
    </fieldset>
  )
}

/** One of a list, as round boxes. */
export function Choice({
  legend,
  hint,
  options,
  chosen,
  onChange,
  error,
}: {
  legend: ReactNode
  hint?: ReactNode
  options: readonly Option[]
  chosen: string
  onChange: (chosen: string) => void
  error?: ReactNode
}) {
  const id = useId()
  return (
    <fieldset aria-describedby={described(id, hint, error)}>
      <legend>{legend}</legend>
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      <div className="picks">
        {options.map((option) => (
          <label key={option.value} className="pick">
            <input
              type="radio"
              name={id}
              checked={chosen === option.value}
              disabled={option.disabled}
              onChange={() => onChange(option.value)}
            />
            <span>
              {option.name}
              {option.what && <span className="what">{option.what}</span>}
            </span>
          </label>
        ))}
      </div>
      <Wrong id={`${id}-error`} error={error} />
    </fieldset>
  )
}
