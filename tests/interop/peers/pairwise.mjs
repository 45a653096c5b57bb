// Rows that hold every pair of values of any two properties, chosen greedily and always in the same way.

// `properties`: { name: [values] }. `possible(row)`: whether a row, whole or in part, can be. Pairs that no possible row holds are left out.
export function pairwise(properties, possible = () => true) {
  const names = Object.keys(properties);
  const open = new Map();
  const key = (a, va, b, vb) => JSON.stringify([a, va, b, vb]);
  for (let i = 0; i < names.length; ++i)
    for (let j = i + 1; j < names.length; ++j)
      for (const va of properties[names[i]])
        for (const vb of properties[names[j]]) open.set(key(names[i], va, names[j], vb), { [names[i]]: va, [names[j]]: vb });
  const covered = (row) => {
    const out = [];
    for (let i = 0; i < names.length; ++i)
      for (let j = i + 1; j < names.length; ++j) {
        if (!(names[i] in row) || !(names[j] in row)) continue;
        const pair = key(names[i], row[names[i]], names[j], row[names[j]]);
        if (open.has(pair)) out.push(pair);
      }
    return out;
  };
  // Fills a row up, each property with the value that covers most; undefined where that comes to no possible row.
  const complete = (row) => {
    const name = names.find((one) => !(one in row));
    if (name === undefined) return row;
    const ranked = properties[name]
      .map((value) => ({ ...row, [name]: value }))
      .filter(possible)
      .sort((a, b) => covered(b).length - covered(a).length);
    for (const one of ranked) {
      const whole = complete(one);
      if (whole) return whole;
    }
    return undefined;
  };
  const rows = [];
  while (open.size > 0) {
    const [first, pair] = open.entries().next().value;
    const row = possible(pair) ? complete(pair) : undefined;
    if (!row) {
      open.delete(first);
      continue;
    }
    for (const one of covered(row)) open.delete(one);
    rows.push(Object.fromEntries(names.map((name) => [name, row[name]])));
  }
  return rows;
}

// Every row there is.
export function product(properties, possible = () => true) {
  let rows = [{}];
  for (const [name, values] of Object.entries(properties)) rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })));
  return rows.filter(possible);
}
