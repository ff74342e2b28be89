/** What is asked of the Reconcile function, and makes no sense. Its message is one line for whoever asked. */
export class RefusedRequest extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RefusedRequest';
  }
}
