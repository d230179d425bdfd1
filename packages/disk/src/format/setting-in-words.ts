import type { ImageSettings } from '@hypersdk/ports';

/** A setting as people read it: `cluster size`. */
export const settingInWords = (setting: keyof ImageSettings): string => setting.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
