/** An image with the seed of one unit laid over it. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Fat32 } from './fat32.ts';
import type { CheckedImage } from './image-check.ts';
import { checkImage } from './image-check.ts';
import type { ImageFile } from './image-file.ts';
import { Overlay } from './overlay.ts';
import { plantFirstBoot } from './pi-os.ts';
import type { PackedSeed } from './seed-pack.ts';
import { plantSeed } from './seed-pack.ts';
import { missing, Trouble, wordsOf } from './trouble.ts';

export interface PreparedImage {
  readonly kind: CheckedImage['kind'];
  readonly overlay: Overlay;
}

/**
 * Checks the image and lays the seed over it.
 * @param deb the package for an image of Raspberry Pi OS; null for one that has it
 * @throws Trouble that names the image
 */
export function prepare(
  image: ImageFile,
  seed: PackedSeed,
  deb: string | null,
  wallMs: number,
): PreparedImage {
  try {
    const overlay = new Overlay(image, image.sizeBytes);
    // Raspberry Pi OS for 32 bits brings a 64-bit kernel too: only its name tells.
    if (/armhf/i.test(basename(image.name))) {
      throw new Trouble('its programs are for 32 bits (armhf); take the arm64 image');
    }
    const { kind, boot } = checkImage(overlay, image.sizeBytes);
    if (kind === 'embereye' && deb !== null) {
      throw new Trouble('it has the package already; leave out --deb, or take Raspberry Pi OS');
    }
    if (kind === 'raspberryPiOs' && deb === null) {
      throw new Trouble(
        'it is Raspberry Pi OS without EmberEye; add --deb embereye_VERSION_arm64.deb',
      );
    }
    const partition = new Fat32(overlay, boot.startBytes, wallMs);
    plantSeed(partition, seed);
    if (deb !== null) plantFirstBoot(partition, packageBytes(deb));
    return { kind, overlay };
  } catch (error) {
    if (error instanceof Trouble) throw new Trouble(`${image.name}: ${error.message}`, error.exit);
    throw error;
  }
}

/** The bytes of a package for arm64. Source: deb(5), the archive and its first member. */
function packageBytes(deb: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(deb);
  } catch (error) {
    throw missing(`${deb}: cannot be read (${wordsOf(error)}); name an existing package`);
  }
  if (bytes.toString('latin1', 0, 21) !== '!<arch>\ndebian-binary') {
    throw new Trouble(`${deb}: not a Debian package; name embereye_VERSION_arm64.deb`);
  }
  if (!/_arm64\.deb$/.test(deb)) {
    throw new Trouble(`${deb}: not for these boards; name embereye_VERSION_arm64.deb`);
  }
  return bytes;
}
