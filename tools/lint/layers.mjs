// An oxlint plugin: `house/layers` keeps imports pointing inwards, `house/disable-reason` wants a reason for each rule that is switched off.
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { judgeImport, readLayers } from './layer-rules.mjs';

const ROOT = resolve(import.meta.dirname, '../..');
/** A tree of planted violations is judged as if it were the repository. */
const FIXTURE = /^(.*\/fixtures\/violations\/[^/]+)\/(.*)$/;
const layersOf = new Map();

const layers = {
  create(context) {
    const { root, file } = locate(context.filename);
    if (!layersOf.has(root)) layersOf.set(root, readLayers(root));
    const check = (node) => {
      if (node.source?.type !== 'Literal' || typeof node.source.value !== 'string') return;
      const why = judgeImport(layersOf.get(root), file, node.source.value);
      if (why !== undefined) context.report({ node: node.source, message: `${why} (layers.json)` });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check, ImportExpression: check };
  },
};

const disableReason = {
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (!/^\s*(?:ox|es)lint-disable/.test(comment.value)) continue;
          if (!/^\s*(?:ox|es)lint-disable(?:-next)?-line\b/.test(comment.value))
            context.report({ node: comment, message: 'disable a rule for one line only' });
          if (!/\s--\s\S/.test(comment.value)) context.report({ node: comment, message: 'say why the rule is disabled, after " -- "' });
        }
      },
    };
  },
};

function locate(filename) {
  const path = (isAbsolute(filename) ? relative(ROOT, filename) : filename).split(sep).join('/');
  const planted = FIXTURE.exec(path);
  return planted ? { root: resolve(ROOT, planted[1]), file: planted[2] } : { root: ROOT, file: path };
}

export default { meta: { name: 'house' }, rules: { layers, 'disable-reason': disableReason } };
