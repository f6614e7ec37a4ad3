// A message centre in the npm package `smpp`. It takes a command a line on standard input and tells what happens, an
// object a line, on standard output. It shares no code with the receiver.
'use strict';

const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const options = JSON.parse(process.argv[2]);
const sessions = [];

function tell(event) {
  process.stdout.write(JSON.stringify(event) + '\n');
}

function onSession(session) {
  const number = sessions.push(session) - 1;
  session.on('pdu', (pdu) => {
    if (['bind_receiver', 'bind_transceiver'].includes(pdu.command)) {
      const known = pdu.system_id === options.account && pdu.password === options.secret;
      session.send(pdu.response({ command_status: known ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
      tell({ event: known ? 'bound' : 'refused', session: number, command: pdu.command });
    } else if (pdu.command === 'unbind') {
      session.send(pdu.response());
      tell({ event: 'unbound', session: number });
    } else if (pdu.command === 'enquire_link') {
      if (!options.deaf) session.send(pdu.response());
      tell({ event: 'asked', session: number });
    } else {
      tell({ event: 'pdu', session: number, command: pdu.command, status: pdu.command_status });
    }
  });
  session.on('close', () => tell({ event: 'closed', session: number }));
  session.on('error', () => {});
}

// Buffers travel as {"hex": "…"}.
function revived(_, value) {
  return value && typeof value === 'object' && typeof value.hex === 'string' ? Buffer.from(value.hex, 'hex') : value;
}

// Deliver `count` messages, so many at once as `window` allows; what is not taken is delivered again after a pause.
function burst({ session, count, window, fields, first, pause }) {
  const statuses = {};
  const started = process.hrtime.bigint();
  let next = 0;
  let taken = 0;
  const waiting = [];
  function one(number) {
    const source = String(Number(first) + number);
    sessions[session].deliver_sm({ ...fields, source_addr: source, receipted_message_id: `b${number}` }, (answer) => {
      statuses[answer.command_status] = (statuses[answer.command_status] || 0) + 1;
      if (answer.command_status !== smpp.ESME_ROK) {
        setTimeout(one, pause, number);
        return;
      }
      taken += 1;
      if (taken === count) {
        const seconds = Number(process.hrtime.bigint() - started) / 1e9;
        tell({ event: 'burst', seconds, statuses });
      } else if (next < count) {
        one(next++);
      }
    });
  }
  while (next < Math.min(window, count)) one(next++);
}

const commands = {
  deliver({ session, id, fields }) {
    sessions[session].deliver_sm(fields, (answer) => {
      tell({ event: 'answered', id, command: answer.command, status: answer.command_status });
    });
  },
  raw({ session, bytes }) {
    sessions[session].socket.write(bytes);
  },
  drop({ session }) {
    sessions[session].socket.destroy();
  },
  unbind({ session }) {
    sessions[session].unbind(() => sessions[session].close());
  },
  burst,
};

const secure = options.key ? { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) } : {};
const server = smpp.createServer(secure, onSession);
server.listen(options.port || 0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line, revived);
  commands[command.do](command);
}).on('close', () => process.exit(0));
