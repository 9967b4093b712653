"""The rules under which the program is tortured: every way that a request can go, with short waits."""

from __future__ import annotations

RULES = """
version: 1
people:
  ana: {{name: Ana Silva, slack: U0ANA}}
  ben: {{name: Ben Osei, slack: U0BEN}}
  lea: {{name: Lea Roth, role: admin, slack: U0LEA}}
  gus: {{name: Gus Lost, slack: U0GONE}}
  zoe: {{name: Zoe Owner}}
  ivo: {{name: Ivo Inbox}}
  uma: {{name: Uma Inbox}}
groups: {{finance: [ana, ben]}}
agents:
  billing: {{owner: zoe, webhook: "{events}"}}
  critic: {{owner: zoe, webhook: "{events}"}}
channels:
  slack: {{post_to: dm}}
actions:
  refund.issue:
    title: "Refund {{{{ amount }}}} on order {{{{ order }}}}"
    editable: [amount]
    execute: {{webhook: "{receiver}", timeout: 30s, attempts: 3}}
  credit.issue:
    execute: {{webhook: "{receiver}", timeout: 30s, idempotent: true, attempts: 6}}
  slow.issue:
    undo_window: 5s
    execute: {{webhook: "{receiver}", timeout: 30s, attempts: 3}}
  moved.issue:
    execute: {{webhook: "{receiver}{elsewhere}", timeout: 30s}}
  deploy.start: {{execute: {{agent: true, timeout: 1h}}}}
  charge.issue:
    rollback: {{action: charge.reverse, arguments: {{order: "b{{{{ order }}}}", answer: "{{{{ back }}}}", back: ok}}}}
    execute: {{webhook: "{receiver}", timeout: 30s}}
  charge.reverse:
    rollback: {{action: charge.issue, arguments: {{order: "a{{{{ order }}}}", answer: ok, back: ok}}}}
    execute: {{webhook: "{receiver}", timeout: 30s}}
  letter.send:
    subject: customer
    execute: {{webhook: "{receiver}", timeout: 30s}}
  earned.issue:
    risk: reversible
    execute: {{webhook: "{receiver}", timeout: 30s}}
network: {{allow_private: [127.0.0.0/8]}}
flood: {{cards: 1000}}
attention: {{reading: 1000}}
practice:
  announced: Told on Monday; they come now and then.
  chain: finance
  every: 365d
  requests:
    - {{name: stranger, agent: billing, action: refund.issue, arguments: {{order: practice}}, lesson: Ask first.}}
chains:
  admins: [{{notify: [lea]}}]
  inbox: [{{notify: [ivo, uma]}}]
  finance: [{{notify: [finance], wait: 1h}}, {{notify: [lea], wait: 1h}}]
  hasty: [{{notify: [ana], wait: 3s, remind: 500ms}}, {{notify: [lea], wait: 1h}}]
  ends:
    steps: [{{notify: [ana], wait: 1s}}]
    exhausted: {{notify: [lea], then: reject}}
  lost: [{{notify: [gus], wait: 1h}}, {{notify: [lea], wait: 1h}}]
break_glass: {{people: [lea], review: finance, notify: [ana], within: 24h}}
rules:
  - {{name: charges, when: action == "charge.issue", then: approve, review_after: {{share: 100%, chain: finance}}}}
  - {{name: letters, when: action == "letter.send", then: approve}}
  - name: earned
    when: action == "earned.issue"
    stages: [{{chain: inbox}}]
    trust: {{ask: admins, at_least: 20, unchanged: 0.5, error: 0.2, days: 1, reviewers: 1, sample: 100%}}
  - {{name: tiny, when: 'action in ["refund.issue", "credit.issue", "slow.issue"] && arguments.amount <= 5',
      then: approve}}
  - {{name: no deletion, when: 'action == "records.delete"', then: block}}
  - {{name: hasty, when: 'has(arguments.way) && arguments.way == "hasty"', stages: [{{chain: hasty}}]}}
  - {{name: ends, when: 'has(arguments.way) && arguments.way == "ends"', stages: [{{chain: ends}}]}}
  - {{name: lost, when: 'has(arguments.way) && arguments.way == "lost"', stages: [{{chain: lost}}]}}
  - {{name: slowly, when: 'has(arguments.way) && arguments.way == "slowly"',
      stages: [{{chain: finance, approvals: 2, rejections: 2}}]}}
  - {{name: unadvised, when: 'has(arguments.way) && arguments.way == "unadvised"',
      advice: {{from: [critic], within: 1s}}, stages: [{{chain: finance}}]}}
  - {{name: two, when: 'has(arguments.way) && arguments.way == "two"', stages: [{{chain: finance, approvals: 2}}]}}
  - {{name: advised, when: 'has(arguments.way) && arguments.way == "advised"', advice: {{from: [critic], within: 1h}},
      stages: [{{chain: finance}}]}}
default: {{stages: [{{chain: finance}}], expires: 24h}}
"""
