import { errnoOfHostError } from '../abi/errno.js';

/** Runs host file operations and answers their value, or the negative errno of the host's complaint. */
export const hostCall = <T>(operation: () => T): T | number => {
  try {
    return operation();
  } catch (error) {
    return errnoOfHostError(error);
  }
};

/** The same for operations whose success is just 0. */
export const hostAction = (operation: () => void): number => {
  try {
    operation();
    return 0;
  } catch (error) {
    return errnoOfHostError(error);
  }
};

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Puts the whole host thread to sleep: Node has neither poll(2) nor a blocking read that honours O_NONBLOCK. */
export const hostSleep = (milliseconds: number): void => {
  Atomics.wait(cell, 0, 0, milliseconds);
};
