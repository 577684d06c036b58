/** Where an export goes, piece by piece. Must have taken or copied the bytes when it returns. */
export type WriteBytes = (bytes: Uint8Array) => void;

const PIECE_BYTES = 1 << 16;

/** Gathers text and bytes into pieces worth writing. */
export class ExportOutput {
  /** Bytes handed on so far. */
  bytesWritten = 0;
  private readonly writeBytes: WriteBytes;
  private heldText = '';
  private readonly held = new Uint8Array(PIECE_BYTES);
  private heldBytes = 0;

  constructor(write: WriteBytes) {
    this.writeBytes = write;
  }

  text(piece: string): void {
    this.heldText += piece;
    if (this.heldText.length >= PIECE_BYTES) this.flushText();
  }

  bytes(piece: Uint8Array): void {
    this.flushText();
    if (this.heldBytes + piece.length > PIECE_BYTES) this.flushBytes();
    if (piece.length > PIECE_BYTES) {
      this.hand(piece);
      return;
    }
    this.held.set(piece, this.heldBytes);
    this.heldBytes += piece.length;
  }

  flush(): void {
    this.flushText();
    this.flushBytes();
  }

  private flushText(): void {
    if (this.heldText === '') return;
    this.flushBytes();
    this.hand(Buffer.from(this.heldText));
    this.heldText = '';
  }

  private flushBytes(): void {
    if (this.heldBytes > 0) this.hand(this.held.subarray(0, this.heldBytes));
    this.heldBytes = 0;
  }

  private hand(piece: Uint8Array): void {
    this.bytesWritten += piece.length;
    this.writeBytes(piece);
  }
}
