/** Form parts: each control has its label, hint and error tied to it. */
import { CircleAlert } from 'lucide-react'
import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from 'react'

/** What stands around a control. */
export interface Around {
  label: ReactNode
  hint?: ReactNode
  error?: ReactNode
}
/** What ties a control to what stands around it. */
interface Tied {
  id: string
  className: string
  'aria-invalid': true | undefined
  'aria-describedby': string | undefined
}

const described = (id: string, { hint, error }: Omit<Around, 'label'>) =>
  [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ') || undefined

function Below({ id, hint, error }: { id: string } & Omit<Around, 'label'>) {
  return (
    <>
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {error && (
        <div className="wrong" id={`${id}-error`}>
          <CircleAlert size={14} aria-hidden style={{ alignSelf: 'center', flex: 'none' }} />
          <span>{error}</span>
        </div>
      )}
    </>
  )
}

/** A labelled control; `children` is given what ties it to label, hint and error. */
export function Field({
  label,
  hint,
  error,
  className,
  children,
}: Around & { className?: string | undefined; children: (tied: Tied) => ReactNode }) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        className: className ? `input ${className}` : 'input',
        'aria-invalid': error ? true : undefined,
        'aria-describedby': described(id, { hint, error }),
      })}
      <Below id={id} hint={hint} error={error} />
    </div>
  )
}

type InputProps = Around & InputHTMLAttributes<HTMLInputElement> & { after?: ReactNode }

export function TextField({ label, hint, error, after, className, ...rest }: InputProps) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(tied) => {
        const input = <input autoComplete="off" {...rest} {...tied} />
        return after ? (
          <div className="affix">
            {input}
            <span className="muted">{after}</span>
          </div>
        ) : (
          input
        )
      }}
    </Field>
  )
}

export function TextArea({
  label,
  hint,
  error,
  className,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(tied) => <textarea rows={3} {...rest} {...tied} />}
    </Field>
  )
}

export function Select({
  label,
  hint,
  error,
  options,
  className,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement> & { options: readonly (readonly [string, string])[] }) {
  return (
    <Field label={label} hint={hint} error={error} className={className}>
      {(tied) => (
        <select {...rest} {...tied}>
          {options.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

export interface Option {
  value: string
  name: ReactNode
  what?: ReactNode
  disabled?: boolean
}
interface Group {
  legend: ReactNode
  hint?: ReactNode
  error?: ReactNode
  options: readonly Option[]
}

/** Boxes under one legend: each is ticked by itself, or one of them is. */
function Boxes({
  legend,
  hint,
  error,
  options,
  type,
  isChosen,
  onTick,
}: Group & {
  type: 'checkbox' | 'radio'
  isChosen: (value: string) => boolean
  onTick: (value: string, ticked: boolean) => void
}) {
  const id = useId()
  return (
    <fieldset aria-describedby={described(id, { hint, error })}>
      <legend>{legend}</legend>
      <Below id={id} hint={hint} />
      <div className="picks">
        {options.map((option) => (
          <label key={option.value} className="pick">
            <input
              type={type}
              name={type === 'radio' ? id : undefined}
              checked={isChosen(option.value)}
              disabled={option.disabled}
              onChange={(event) => onTick(option.value, event.target.checked)}
            />
            <span>
              {option.name}
              {option.what && <span className="what">{option.what}</span>}
            </span>
          </label>
        ))}
      </div>
      <Below id={id} error={error} />
    </fieldset>
  )
}

/** Several of a list, as boxes to tick. */
export function Picks({
  chosen,
  onChange,
  ...group
}: Group & { chosen: readonly string[]; onChange: (chosen: string[]) => void }) {
  return (
    <Boxes
      {...group}
      type="checkbox"
      isChosen={(value) => chosen.includes(value)}
      onTick={(value, ticked) => onChange(ticked ? [...chosen, value] : chosen.filter((other) => other !== value))}
    />
  )
}

/** One of a list, as round boxes. */
export function Choice({ chosen, onChange, ...group }: Group & { chosen: string; onChange: (chosen: string) => void }) {
  return <Boxes {...group} type="radio" isChosen={(value) => value === chosen} onTick={onChange} />
}
