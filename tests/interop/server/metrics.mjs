// The text format of /metrics, names in PromQL, and the table of the guide.

// name -> {type, help, labels}; a histogram is one family.
export function families(text) {
  const all = new Map();
  const family = (name) => all.get(name) ?? all.set(name, { type: '', help: '', labels: [] }).get(name);
  for (const line of text.split('\n')) {
    const head = line.match(/^# (HELP|TYPE) (\S+) (.*)$/);
    if (head) {
      family(head[2])[head[1].toLowerCase()] = head[3];
      continue;
    }
    const sample = line.match(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? \S+/);
    if (!sample) continue;
    const name = all.has(sample[1]) ? sample[1] : sample[1].replace(/_(bucket|sum|count)$/, '');
    const at = family(name);
    for (const [, label] of (sample[2] ?? '').matchAll(/([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g)) {
      if (label !== 'le' && !at.labels.includes(label)) at.labels.push(label);
    }
  }
  return all;
}

// Name and labels of each sample.
export const series_in = (text) => new Set(text.split('\n').filter((line) => line && !line.startsWith('#')).map((line) => line.slice(0, line.lastIndexOf(' '))));

// Ours and the process's, in queries given as matches with one group.
export function names_in(matches) {
  const names = new Set();
  for (const [, query] of matches) {
    const bare = query.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\b(by|without|on|ignoring) *\([^)]*\)/g, '');
    for (const [name] of bare.matchAll(/\b(?:agw|process)_\w+/g)) names.add(name.replace(/_(bucket|sum|count)$/, ''));
  }
  return names;
}

export function missing_names(named, seen, pending) {
  const is_there = (name) => seen.has(name);
  return {
    missing: [...named].filter((name) => !is_there(name) && !pending.has(name)),
    no_longer: [...pending].filter(is_there),
  };
}

const row_pattern = /^\| `(\w+)` \| (\w+) \| (.*?) \| (.*) \|$/gm;
const code_words = (text) => [...text.matchAll(/`(\w+)`/g)].map(([, word]) => word);

// name -> {type, labels, help}, as the guide has them.
export function table_of(markdown) {
  return new Map([...markdown.matchAll(row_pattern)].map(([, name, type, labels, help]) => [name, { type, labels: code_words(labels), help }]));
}

// What is seen, and of the old rows those that are still to come. Labels that no series has yet stay.
export function table(seen, old, pending) {
  const rows = new Map();
  for (const [name, row] of old) if (pending.has(name)) rows.set(name, row);
  for (const [name, family] of seen) rows.set(name, { ...family, labels: [...new Set([...(old.get(name)?.labels ?? []), ...family.labels])] });
  const line = ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labels.map((l) => `\`${l}\``).join(', ')} | ${help} |`;
  return ['| metric | type | labels | what |', '|---|---|---|---|', ...[...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(line), ''].join('\n');
}
