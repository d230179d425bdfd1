import type { GuestConverter } from '@hypersdk/ports';
import type { VirtV2vConverterOptions } from './virt-v2v-converter.ts';

/** Reads the converter's code only now: most runs never convert a guest. */
export async function openVirtV2vConverter(options: VirtV2vConverterOptions): Promise<GuestConverter> {
  const { VirtV2vConverter } = await import('./virt-v2v-converter.ts');
  return new VirtV2vConverter(options);
}
