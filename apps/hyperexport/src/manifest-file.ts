/** The manifest's name in the folder of an export: written last, so where it is, the export is complete. */
export const MANIFEST_FILE = 'export-manifest.json';
