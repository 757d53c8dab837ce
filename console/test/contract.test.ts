/** The console's names for the API's shapes agree with what the node's OpenAPI generates:
 * the compiler judges, `tsc` runs before every build. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { components } from '../src/api/schema'
import type * as T from '../src/api/types'

type S = components['schemas']
/** The fields that the console names and the node never gives, however deep. */
type Foreign<Wanted, Given> = Wanted extends readonly (infer W)[]
  ? Given extends readonly (infer G)[]
    ? Foreign<NonNullable<W>, NonNullable<G>>
    : never
  : Wanted extends object
    ? string extends keyof Wanted
      ? never
      : {
          [K in keyof Wanted & string]: K extends keyof Given
            ? Foreign<NonNullable<Wanted[K]>, NonNullable<Given[K]>>
            : K
        }[keyof Wanted & string]
    : never
type Fits<Given extends Wanted, Wanted> = [Foreign<Wanted, Given>] extends [never]
  ? 'fits'
  : { foreign: Foreign<Wanted, Given> }
/** Where the console narrows a text to the words that it knows. */
type Names<Given, Wanted> = [Foreign<Wanted, Given>] extends [never] ? 'fits' : { foreign: Foreign<Wanted, Given> }
type All<Each extends 'fits'[]> = Each
export type Checked = All<
  [
    Fits<S['CaseCard'], T.CaseCard>,
    Fits<S['CaseView'], T.CaseView>,
    Fits<S['ChangesView'], T.WarrantChanges>,
    Fits<S['PlanView'], T.PlanView>,
    Fits<S['ProvenanceView'], T.Provenance>,
    Fits<S['RulesView'], T.RulesView>,
    Fits<S['DatasetView'], T.DatasetView>,
    Fits<S['SnapshotDetail'], T.SnapshotView>,
    Fits<S['DatasetPreview'], T.DatasetPreview>,
    Fits<S['Statistics'], T.Statistics>,
    Fits<S['BundleCheck'], T.BundleCheck>,
    Fits<S['EngineView'], T.Engine>,
    Fits<S['PasskeysView'], T.Passkeys>,
    Fits<S['TemplateView'], T.TemplateView>,
    Names<S['Alarm'], T.Alarm>,
    Names<S['CheckedSubjects'], T.SubjectsCheck>,
    Fits<S['DocketSummary'], T.OversightDocket>,
    Fits<S['FoundRecord'], T.OversightRecord>,
    Fits<S['QuestionView'], T.QuestionView>,
    Fits<S['RecordView'], T.RecordView>,
    Names<S['SessionView'], T.Session>,
  ]
>

test('every path that the console asks for is in the node’s document', () => {
  const document = JSON.parse(readFileSync(new URL('../openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, unknown>
  }
  for (const path of [
    '/v1/cases',
    '/v1/acts/prepare',
    '/v1/acts/submit',
    '/v1/session',
    '/v1/passkeys',
    '/v1/oversight/alarms',
    '/v1/engine',
    '/v1/bundles/verify',
    '/v1/subjects/check',
    '/v1/questions/preview',
    '/v1/rules',
    '/v1/datasets',
    '/v1/events',
    '/v1/inbox',
    '/v1/templates',
  ])
    expect(Object.keys(document.paths), path).toContain(path)
})
