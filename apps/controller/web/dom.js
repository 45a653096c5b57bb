// Small helpers to build the page's elements. Text is always text: nothing that came over the network is parsed as HTML.

// element('button.primary', { type: 'button', onclick }, 'Call', …)
export function element(kind, properties = {}, ...children) {
  const [tag, ...classes] = kind.split('.');
  const node = document.createElement(tag);
  if (classes.length > 0) node.className = classes.join(' ');
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name in node && name !== 'list' && name !== 'style') node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const by_id = (id) => document.getElementById(id);

const svg_space = 'http://www.w3.org/2000/svg';
const shapes = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M7 7l10 10M17 7L7 17',
  plus: 'M12 5v14M5 12h14',
  clip: 'M20 11.5l-8 8a5 5 0 0 1-7-7l8.5-8.5a3.4 3.4 0 0 1 4.8 4.8l-8.4 8.4a1.7 1.7 0 0 1-2.4-2.4l7.6-7.6',
  send: 'M4 12l16-8-6 16-3-7z',
  file: 'M7 3h7l5 5v13H7zM14 3v5h5',
  down: 'M12 4v12M6 11l6 6 6-6M5 21h14',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  hang: 'M4 14c5-5 11-5 16 0l-2.5 3-3.5-2v-3c-1.4-.4-2.6-.4-4 0v3l-3.5 2z',
  phone: 'M6 4h4l1.5 4-2 1.5a11 11 0 0 0 5 5L16 12.5l4 1.5v4c0 1-1 2-2 2A14 14 0 0 1 4 6c0-1 1-2 2-2z',
};

export function icon(name) {
  const svg = document.createElementNS(svg_space, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  const path = document.createElementNS(svg_space, 'path');
  path.setAttribute('d', shapes[name]);
  svg.append(path);
  return svg;
}

export function bytes_text(count) {
  if (count < 1000) return `${count} B`;
  const units = ['kB', 'MB', 'GB'];
  let value = count;
  let unit = -1;
  while (value >= 999.5 && unit < 2) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export const ms_text = (ms) =>
  ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
