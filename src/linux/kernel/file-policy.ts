/**
 * Who may touch which file. The file system asks before every operation on a name; a denial becomes the errno the guest
 * sees. The default allows everything the host allows.
 */
export type FileOperation =
  | 'stat'
  | 'read'
  | 'write'
  | 'create'
  | 'list'
  | 'delete'
  | 'rename'
  | 'link'
  | 'change-attributes'
  | 'execute';

export interface FileAccess {
  readonly operation: FileOperation;
  /** The resolved absolute guest path (byte string). */
  readonly path: string;
  /** Where that is on the host; undefined for synthetic files. */
  readonly hostPath: string | undefined;
}

export interface FilePolicy {
  /** 0 to allow, or a negative errno (-EACCES, -EPERM, -ENOENT). */
  check(access: FileAccess): number;
}

export const ALLOW_ALL: FilePolicy = { check: () => 0 };
