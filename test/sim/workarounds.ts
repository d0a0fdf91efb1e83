/**
 * Where the world is kinder than a real one because of a known defect of the appliance, so that
 * everything else can be judged. `--as-is` switches all of them off; a defect that is mended loses
 * its line here.
 */
export interface Workarounds {
  /**
   * The power stays on while the disk is full. Else: an alarm that was told from memory is not
   * latched after the cut, and its number goes to another event; nothing is reserved for alarms.
   */
  readonly fullDiskKeepsPower: boolean;
}

export const WORKAROUNDS: Workarounds = {
  fullDiskKeepsPower: true,
};
export const AS_IS: Workarounds = {
  fullDiskKeepsPower: false,
};
