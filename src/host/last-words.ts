/** As many characters of what a process wrote last are kept, to say why it ended. */
export const LAST_WORDS_CHARACTERS = 4096;

/** A pipe whose other end is gone is read to its end at once; this only guards against a grandchild that holds it. */
export const DRAIN_MS = 500;
