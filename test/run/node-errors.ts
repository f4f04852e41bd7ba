import { isNativeError } from 'node:util/types';

// Jest runs every test file in a realm of its own, in which an error of node's own modules, such as ENOENT, is no
// instance of Error. Outside of Jest there is one realm; importing this file makes it so here.
const hasInstance = Function.prototype[Symbol.hasInstance];

Object.defineProperty(Error, Symbol.hasInstance, {
  configurable: true,
  value(this: unknown, value: unknown): boolean {
    return hasInstance.call(this, value) || (this === Error && isNativeError(value));
  },
});
