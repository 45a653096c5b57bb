// Buttons, keys, files dropped and pasted: what the user does, told to the page's functions.

import { by_id, element, icon } from './dom.js';

// page: place_call, ask_for_call, hang_up, send_text(text), send_file(file), ladder_text, can_send.
export function install_controls(page) {
  by_id('attach').append(icon('clip'));
  by_id('send').append(icon('send'));
  by_id('call').onclick = () => page.place_call().catch(() => {});
  by_id('call-me').onclick = () => page.ask_for_call().catch(() => {});
  by_id('hang-up').onclick = () => page.hang_up();
  by_id('save-ladder').onclick = () => save(page.ladder_text(), 'call.txt');
  install_composer(page);
  install_drop(page);
  for (const tab of document.querySelectorAll('.tabs button')) {
    tab.onclick = () => {
      document.body.dataset.tab = tab.dataset.tab;
      for (const other of document.querySelectorAll('.tabs button')) other.setAttribute('aria-pressed', String(other === tab));
    };
  }
}

function install_composer(page) {
  const box = by_id('text');
  const fit = () => {
    box.style.height = 'auto';
    box.style.height = `${Math.min(box.scrollHeight + 2, 140)}px`;
  };
  by_id('attach').onclick = () => by_id('files').click();
  by_id('files').onchange = (event) => {
    if (page.can_send()) for (const file of event.target.files) page.send_file(file);
    event.target.value = '';
  };
  by_id('composer').onsubmit = (event) => {
    event.preventDefault();
    if (box.value.trim() === '' || !page.can_send()) return;
    page.send_text(box.value);
    box.value = '';
    fit();
  };
  box.onkeydown = (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    by_id('composer').requestSubmit();
  };
  box.oninput = fit;
  box.onpaste = (event) => {
    if (event.clipboardData.files.length === 0 || !page.can_send()) return;
    event.preventDefault();
    for (const file of event.clipboardData.files) page.send_file(file);
  };
}

function install_drop(page) {
  const zone = by_id('chat');
  zone.ondragover = (event) => {
    if (!page.can_send() || ![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    zone.classList.add('dropping');
  };
  zone.ondragleave = (event) => {
    if (!zone.contains(event.relatedTarget)) zone.classList.remove('dropping');
  };
  zone.ondrop = (event) => {
    zone.classList.remove('dropping');
    if (!page.can_send()) return;
    event.preventDefault();
    for (const file of event.dataTransfer.files) page.send_file(file);
  };
}

function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
