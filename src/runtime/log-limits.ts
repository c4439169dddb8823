/** Bounds of the log settings. */
export const LOG_BYTES_MIN = 4096;
export const LOG_BYTES_MAX: number = 2 ** 30;
export const LOG_FILES_MIN = 2;
export const LOG_FILES_MAX = 100;
