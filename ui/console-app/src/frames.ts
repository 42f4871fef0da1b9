/** Every window of the tree that this window belongs to, but itself. Works across origins: only the tree is read. */
export function otherFrames(self: Window): Window[] {
  if (!self.top) return [];
  return tree(self.top).filter((frame) => frame !== self);
}

/** A window and all the windows inside it. */
export function tree(root: Window): Window[] {
  const inside = Array.from({ length: root.length }, (_, index) => root[index]);
  return [root, ...inside.flatMap((frame) => (frame ? tree(frame) : []))];
}
