// SPDX-License-Identifier: Apache-2.0
// judge.mjs - holds answers against the types that the SDK declares for them.
//
// The compiler itself is asked: for each method a type alias is made of what it resolves to, and the answer is
// walked along that type.  A required member that the answer lacks is a problem, and so is a value of another type.
import ts from "typescript";

const ENTRY = "judge-entry.ts";

function entryText(methods) {
  const aliases = methods.map(({ method, page }, i) =>
    page
      ? `export type T${i} = ReturnType<Awaited<ReturnType<typeof client.${method}>>["getPaginatedItems"]>[number];`
      : `export type T${i} = Awaited<ReturnType<typeof client.${method}>>;`);
  return `import Cloudflare from "cloudflare";\ndeclare const client: Cloudflare;\n${aliases.join("\n")}\n`;
}

function makeProgram(text) {
  const options = {
    strict: true, noEmit: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16, lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name.endsWith(ENTRY) || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name.endsWith(ENTRY) ? ts.createSourceFile(name, text, options.target) : getSourceFile(name, ...rest);
  return ts.createProgram([ENTRY], options, host);
}

class Judge {
  constructor(checker, place) {
    this.checker = checker;
    this.place = place;
  }

  // The problems of value as a `type`; the path says where.
  walk(value, type, path) {
    const F = ts.TypeFlags;
    if (type.flags & (F.Any | F.Unknown)) return [];
    if (type.isUnion()) return this.walkUnion(value, type, path);
    if (type.flags & F.Null) return value === null ? [] : [`${path}: must be null`];
    if (type.flags & (F.Undefined | F.Void)) return value === undefined ? [] : [`${path}: must not be there`];
    if (type.isLiteral()) return value === type.value ? [] : [`${path}: must be ${JSON.stringify(type.value)}, is ${JSON.stringify(value)}`];
    if (type.flags & F.BooleanLiteral)
      return String(value) === this.checker.typeToString(type) ? [] : [`${path}: must be ${this.checker.typeToString(type)}`];
    for (const [flag, name] of [[F.StringLike, "string"], [F.NumberLike, "number"], [F.BooleanLike, "boolean"]])
      if (type.flags & flag) return typeof value === name ? [] : [`${path}: must be a ${name}, is ${JSON.stringify(value)}`];
    return this.walkObject(value, type, path);
  }

  walkUnion(value, type, path) {
    const found = type.types.map((one) => this.walk(value, one, path));
    return found.reduce((best, one) => (one.length < best.length ? one : best));
  }

  walkObject(value, type, path) {
    if (value === null || typeof value !== "object") return [`${path}: must be an object, is ${JSON.stringify(value)}`];
    if (this.checker.isArrayType(type)) {
      if (!Array.isArray(value)) return [`${path}: must be an array`];
      const element = this.checker.getTypeArguments(type)[0];
      return value.flatMap((one, i) => this.walk(one, element, `${path}[${i}]`));
    }
    return this.checker.getPropertiesOfType(type).flatMap((property) => this.walkMember(value, property, path));
  }

  walkMember(value, property, path) {
    const optional = property.flags & ts.SymbolFlags.Optional;
    const member = value[property.name];
    const at = `${path}.${property.name}`;
    if (member === undefined) return optional ? [] : [`${at}: is required`];
    // The original answers null for what it declares as left out.
    if (member === null && optional) return [];
    return this.walk(member, this.checker.getTypeOfSymbolAtLocation(property, this.place), at);
  }
}

// answers: [{method: "zones.create", page, value}]; fills in `problems` of each.
export function judge(answers) {
  const program = makeProgram(entryText(answers));
  const source = program.getSourceFile(ENTRY);
  const checker = program.getTypeChecker();
  const bad = program.getSemanticDiagnostics(source).map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"));
  if (bad.length > 0) throw new Error(bad.join("\n"));
  const aliases = source.statements.filter(ts.isTypeAliasDeclaration);
  const walker = new Judge(checker, source);
  answers.forEach((answer, i) => {
    const type = checker.getTypeAtLocation(aliases[i]);
    const values = answer.page ? answer.value : [answer.value];
    answer.problems = values.flatMap((value, n) => walker.walk(value, type, answer.page ? `[${n}]` : ""));
  });
}
