/** Told what becomes of one record that was put. Its methods are called in the middle of sending, and must not throw. */
export interface PutReceipt {
  /** Kinesis has the record. Called once, and last. */
  accepted(): void;
  /** A call that carried the record failed without an answer: Kinesis may have it. It is sent again unless that ends. */
  unanswered(): void;
}
