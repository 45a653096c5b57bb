// What a browser has and node 18 keeps in a module. Import it before the page's modules.
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;
