/** A header in plain words: what an officer puts their name under. */
import type { ReactNode } from 'react'
import { useNames } from '../app/names'
import { useSpeech } from '../i18n/lang'
import { count, duration, moment, number as grouped } from '../lib/format'
import { duties, kinds, templates, word } from '../i18n/words'
import { Facts, Hex, Tags } from '../ui/basic'
import type { Cbor, CborMap } from './cbor'
import { computingOf, countOnly, type Header, plain, scenesOf } from './header'

type Row = readonly [ReactNode, ReactNode]

export function WhatIsSigned({ header }: { header: Header }) {
  const { say, lang } = useSpeech()
  const name = useNames()
  const { kind, fields } = header.statement
  const rows: Row[] = [
    [say('记录', 'Record'), <strong key="k">{word(kinds, kind, lang)}</strong>],
    [say('以谁的名义', 'In the name of'), `${name(header.institution)} · ${header.officer ?? ''}`],
    ...statementRows(fields),
    [say('签名时间', 'Time'), moment(header.time_ms, true)],
  ]
  if (header.warrant) rows.push([say('卷宗', 'Docket'), <Hex key="w" id={header.warrant} />])
  for (const part of header.parts) {
    rows.push([
      say('密封附件', 'Sealed part'),
      <span key={part.label}>
        {partName(part.label)}
        {say('，仅可读者：', ', read only by: ')}
        {part.readers.map(name).join(say('、', ', '))}
      </span>,
    ])
  }
  return <Facts items={rows} />

  function partName(label: string): string {
    const names: Record<string, string> = {
      subjects: say('对象与案情', 'subjects and case'),
      order: say('令状正文（对象已盲化）', 'the order (subjects blinded)'),
      plan: say('计算方案', 'the plan'),
      answer: say('答案', 'the answer'),
      reason: say('理由', 'the reason'),
      evidence: say('证据', 'evidence'),
    }
    return names[label] ?? label
  }

  function statementRows(map: CborMap): Row[] {
    const rows: Row[] = []
    for (const [key, value] of map) {
      const row = fieldRow(map, String(key), value)
      if (row) rows.push(...row)
    }
    return rows
  }

  function fieldRow(map: CborMap, key: string, value: Cbor): Row[] | null {
    const list = Array.isArray(value) ? value : []
    switch (key) {
      case 'terms':
        return value instanceof Map ? termsRows(value) : null
      case 'authority':
        return [[say('签发机关', 'Authority'), name(String(value))]]
      case 'template':
        return [[say('查询模板', 'Template'), word(templates, String(value), lang)]]
      case 'hops':
        return [[say('跳数', 'Hops'), String(value)]]
      case 'answer_cap':
        return [[say('答案行数上限', 'Answer cap'), grouped(Number(value), lang)]]
      case 'rows':
        return [[say('行数', 'Rows'), grouped(Number(value), lang)]]
      case 'custodians': {
        const names = list.map((item) => (item instanceof Map ? String(item.get('institution')) : String(item)))
        return [[say('数据方', 'Custodians'), <Tags key="c" items={names.map(name)} />]]
      }
      case 'officer':
        return [[say('经办人', 'Officer'), String(value)]]
      case 'duties':
        return [[say('职责', 'Duties'), <Tags key="d" items={list.map((d) => word(duties, String(d), lang))} />]]
      case 'question':
        return [[say('查询', 'Question'), hexOf(value)]]
      case 'plan':
        return [[say('方案摘要', 'Plan digest'), hexOf(value)]]
      case 'content':
        return [[say('证据包摘要', 'Bundle digest'), hexOf(value)]]
      case 'draft':
        return [[say('申请', 'Draft'), hexOf(value)]]
      case 'warrant':
        return [[say('令状记录', 'Warrant record'), hexOf(value)]]
      case 'proposal':
        return [[say('提名记录', 'Proposal'), hexOf(value)]]
      case 'keys':
        return [
          [
            say('本次查询密钥', 'Keys for this plan'),
            say(`${list.length} 个，仅供此方案使用`, `${list.length}, for this plan alone`),
          ],
        ]
      case 'form':
        return [[say('形式', 'Form'), String(value).toUpperCase()]]
      case 'told':
        return [[say('已告知对象', 'Subjects told'), grouped(Number(value), lang)]]
      case 'withheld':
        return [[say('未告知对象', 'Subjects not told'), grouped(Number(value), lang)]]
      case 'replaces':
        return value === null ? null : [[say('取代规则', 'In place of'), hexOf(value)]]
      case 'rules':
        return list.length === 0
          ? [[say('规则', 'Rules'), say('无：一律由人决定', 'None: everything by hand')]]
          : list.flatMap(ruleRow)
      case 'credential':
        return [[say('凭据', 'Credential'), <Given key="c" credential={header.credential ?? ''} />]]
      case 'joint':
        return value instanceof Map ? jointRows(map, value) : null
      case 'by_rule':
        return null
      default: {
        const shown = plain(value)
        return [[key, <code key={key}>{typeof shown === 'string' ? shown : JSON.stringify(shown)}</code>]]
      }
    }
  }

  function ruleRow(rule: Cbor): Row[] {
    if (!(rule instanceof Map)) return []
    const n = (key: string) => Number(rule.get(key))
    const computing = computingOf(rule).map(name)
    const by: Row[] = computing.length
      ? [[say('可参与计算', 'May compute'), say(computing.join('、'), computing.join(', '))]]
      : []
    return [
      [
        `${say('规则', 'Rule')} ${String(rule.get('name'))}`,
        say(
          `${word(templates, String(rule.get('template')), lang)}：至多 ${grouped(n('answer_cap'), lang)} 行、${n('hops')} 跳、${n('subjects')} 个对象时免人工`,
          `${word(templates, String(rule.get('template')), lang)} without an officer, up to ${count(n('answer_cap'), 'row')}, ${count(n('hops'), 'hop')}, ${count(n('subjects'), 'subject')}`,
        ),
      ],
      ...by,
    ]
  }

  function hexOf(value: Cbor): ReactNode {
    return <Hex id={String(plain(value))} />
  }

  function jointRows(question: CborMap, joint: CborMap): Row[] {
    const names = (key: string) => {
      const value = joint.get(key)
      if (!Array.isArray(value)) return []
      return value.map((item) => name(item instanceof Map ? String(item.get('institution')) : String(item)))
    }
    const owners = names('owners')
    const rows: Row[] = [
      [
        say('打开什么', 'Opens'),
        countOnly(question) ? (
          <strong key="o">{say('只要数量', 'the count alone')}</strong>
        ) : (
          say('先是数量，不超上限才是各行', 'the count first, and the rows if they are within the cap')
        ),
      ],
      [say('三方计算', 'Computed by'), <Tags key="j" items={names('computing')} />],
    ]
    if (owners.length > 0) rows.push([say('另供数据', 'Give tables too'), <Tags key="w" items={owners} />])
    return rows
  }

  function termsRows(terms: CborMap): Row[] {
    const names = (key: string) => {
      const value = terms.get(key)
      return Array.isArray(value) ? value.map(String) : []
    }
    const n = (key: string) => Number(terms.get(key))
    const scenes = scenesOf(terms)
    return [
      [say('查询模板', 'Templates'), <Tags key="t" items={names('templates').map((t) => word(templates, t, lang))} />],
      [say('数据方', 'Custodians'), <Tags key="c" items={names('custodians').map(name)} />],
      [say('对象', 'Subjects'), say(`${n('subjects')} 个`, String(n('subjects')))],
      ...(scenes > 0 ? [[say('现场', 'Scenes'), say(`${scenes} 处`, String(scenes))] as const] : []),
      [
        say('限度', 'Limits'),
        say(
          `${n('hops')} 跳，答案至多 ${grouped(n('answer_cap'), lang)} 行，${n('runs')} 次计算`,
          `${count(n('hops'), 'hop')}, at most ${count(n('answer_cap'), 'row')} an answer, ${count(n('runs'), 'run')}`,
        ),
      ],
      [
        say('有效期', 'Valid'),
        `${moment(n('not_before_ms'))} – ${moment(n('expires_ms'))} · ${duration(n('expires_ms') - n('not_before_ms'), lang)}`,
      ],
    ]
  }
}

/** A credential by the fingerprint that its officer reads out. */
function Given({ credential }: { credential: string }) {
  const { say } = useSpeech()
  const [, passkey] = /^passkey:([0-9a-f]+)$/.exec(credential) ?? []
  const id = passkey ?? credential
  return (
    <>
      {passkey === undefined ? say('命令行密钥', 'command-line key') : say('通行密钥，指纹', 'passkey, fingerprint')}{' '}
      <code className="fingerprint">{id.slice(0, 16).match(/.{4}/g)?.join(' ')}</code>
    </>
  )
}
