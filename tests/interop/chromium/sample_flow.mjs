// Messages like those of a real call, for tests of the page alone.

const wrap = (from, body, transaction, reply) =>
  `MEGACO/3 [127.0.0.1]:${from}\n${reply ? 'Reply' : 'Transaction'} = ${transaction} {\n${body}\n}`;

const reserve = wrap(
  12944,
  `  Context = $ {
    Add = ip/1/core/$ {
      Media {
        Stream = 2 {
          LocalControl { Mode = SendReceive, ipdc/realm = "core" },
          Local {
v=0
c=IN IP4 $
m=message $ TCP *
a=setup:actpass
          }
        }
      },
      Events = 11 { tcpbcc/BNCChange { Type = (Est, Rel, Fail) }, g/cause }
    }
  }`,
  17,
  false,
);

const reserved = wrap(
  2944,
  `  Context = 4 {
    Add = ip/1/core/9 {
      Media { Stream = 2 { Local {
v=0
c=IN IP4 127.0.0.1
m=message 40012 TCP *
a=setup:actpass
      } } }
    }
  }`,
  17,
  true,
);

const group = wrap(
  12944,
  `  Context = 4 {
    Add = ip/1/access/$ {
      Media {
        TerminationState { mgroup/sem = "DEAGG 1 2" },
        Stream = 1 {
          LocalControl { Mode = SendReceive, sctpbcc/dir = BOTH },
          Local {
v=0
c=IN IP4 $
m=application $ UDP/DTLS/SCTP webrtc-datachannel
a=setup:passive
a=fingerprint:sha-256 $
a=ice-ufrag:$
a=ice-pwd:$
a=candidate:$
a=sctp-port:$
a=max-message-size:262144
          }
        },
        Stream = 2 {
          Local {
v=0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=dcmap:0 subprotocol="msrp";label="chat"
          }
        }
      },
      Events = 12 { ostuncc/ccr, tlsbsc/BNCChange, sctpbcc/BNCChange, dcep/chg }
    }
  }`,
  19,
  false,
);

const arrow = (type, from, to, summary, text, more = {}) => ({ type, from, to, summary, text, ...more });
const h248 = (sent, summary, text, more) =>
  arrow('h248', sent ? 'eP-CSCF' : 'eIMS-AGW', sent ? 'eIMS-AGW' : 'eP-CSCF', summary, text, {
    direction: sent ? 'sent' : 'received',
    kind: sent === /^(Reply|Add.*reply)/.test(summary) ? 'request' : undefined,
    ...more,
  });
const stage = (name, stream, id, ms) => [
  { type: 'stage', stage: name, stream, id, state: 'started' },
  { type: 'stage', stage: name, stream, id, state: 'done', ms },
];

export function flow({ kind, sdp, ids = [], id }) {
  if (kind === 'offer') {
    return [
      arrow('step', 'WIC', 'eP-CSCF', 'SDP offer', sdp || 'v=0', { step: 1 }),
      h248(true, 'Add T2 · S2: reserve', reserve, { step: 2, transaction: 17, kind: 'request' }),
      h248(false, 'Reply: context 4, T2', reserved, { step: 4, transaction: 17, kind: 'reply' }),
      arrow('step', 'eP-CSCF', 'IMS peer', 'SDP offer: TCP, actpass', 'v=0\nm=message 40012 TCP/MSRP *', { step: 6 }),
      arrow('step', 'IMS peer', 'eP-CSCF', 'SDP answer: passive', 'v=0\nm=message 7001 TCP/MSRP *', { step: 7 }),
      h248(true, 'Modify T2 · S2: configure', reserve, { step: 8, transaction: 18, kind: 'request' }),
      h248(false, 'Reply', reserved, { step: 10, transaction: 18, kind: 'reply' }),
    ];
  }
  if (kind === 'answer') {
    return [
      ...stage('tcp', 2, 0, 0.6),
      h248(true, 'Add T1 · S1, S2: stream group', group, { step: 11, transaction: 19, kind: 'request' }),
      h248(false, 'Reply: T1', reserved, { step: 13, transaction: 19, kind: 'reply' }),
      arrow('step', 'eP-CSCF', 'WIC', 'SDP answer', sdp, { step: 15 }),
    ];
  }
  if (kind === 'modify') {
    return [
      h248(true, 'Modify T1, T2 · S3: second channel', group, { transaction: 23, kind: 'request' }),
      h248(false, 'Reply', reserved, { transaction: 23, kind: 'reply' }),
      ...stage('tcp', 3, id, 0.5),
      ...stage('channel', 3, id, 0.2),
      ...stage('msrp', 3, id, 1.1),
    ];
  }
  return [
    ...stage('ice', 1, undefined, 14.2),
    ...stage('dtls', 1, undefined, 8.4),
    ...stage('sctp', 1, undefined, 2.9),
    ...ids.flatMap((channel, index) => [...stage('channel', 2 + index, channel, 0.4), ...stage('msrp', 2 + index, channel, 1.3)]),
    h248(
      false,
      'Notify: dcep/chg Open',
      wrap(
        2944,
        '  Context = 4 {\n    Notify = ip/1/access/7 {\n      ObservedEvents = 12 { Stream = 2 { dcep/chg { Type = Open, sid = 0 } } }\n    }\n  }',
        5,
        false,
      ),
      { transaction: 5, kind: 'request' },
    ),
    h248(true, 'Reply', wrap(12944, '  Context = 4 { Notify = ip/1/access/7 }', 5, true), { transaction: 5, kind: 'reply' }),
  ];
}
