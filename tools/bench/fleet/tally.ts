/** What org objects did since the last reading. */
export interface Tally {
  /** Calls and messages that woke the object, without its own alarm. */
  requests: number;
  alarms: number;
  rowsWritten: number;
}
