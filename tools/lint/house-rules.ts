import { dirname, relative } from "node:path";
import { importFault } from "./import-law.ts";
import { ambientFault, pureRoomOf } from "./pure-rooms.ts";

const root = dirname(dirname(import.meta.dirname!));

/** The house rules as a Deno lint plugin: the import law, pure rooms, no barrels, no drawers. */
export default {
  name: "house",
  rules: {
    "import-law": { create: importLaw },
    "no-barrel": { create: noBarrel },
    "no-drawer": { create: noDrawer },
    "pure": { create: pure },
  },
} satisfies Deno.lint.Plugin;

function importLaw(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const file = pathOf(context);
  const check = (node: Deno.lint.Node, specifier: unknown, typeOnly: boolean) => {
    const fault = typeof specifier === "string" ? importFault(file, specifier, typeOnly) : undefined;
    if (fault !== undefined) context.report({ node, message: fault });
  };
  return {
    ImportDeclaration: (node) => check(node, node.source.value, node.importKind === "type"),
    ExportNamedDeclaration: (node) => check(node, node.source?.value, node.exportKind === "type"),
    ExportAllDeclaration: (node) => check(node, node.source.value, node.exportKind === "type"),
    ImportExpression: (node) => {
      if (node.source.type === "Literal") check(node, node.source.value, false);
    },
  };
}

function noBarrel(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  return {
    ExportAllDeclaration: (node) => context.report({ node, message: "No barrels: import the file that says it" }),
  };
}

function noDrawer(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const drawer = /(^|\/)(utils?|helpers?|common|shared|misc|types)(\/|\.tsx?$)/;
  return {
    Program: (node) => {
      if (drawer.test(pathOf(context))) context.report({ node, message: "Name the file for the one thing it holds" });
    },
  };
}

function pure(context: Deno.lint.RuleContext): Deno.lint.LintVisitor {
  const room = pureRoomOf(pathOf(context));
  if (room === undefined) return {};
  const report = (node: Deno.lint.Node, message: string) => context.report({ node, message });
  const waits = (node: Deno.lint.Node) => {
    if (!room.waits) report(node, "Pure rooms do not wait");
  };
  return {
    Identifier: (node) => {
      const fault = ambientFault(node.name);
      if (fault !== undefined && isValue(node) && !isParameter(node)) report(node, fault);
    },
    MemberExpression: (node) => {
      if (node.object.type !== "Identifier" || node.property.type !== "Identifier") return;
      const name = `${node.object.name}.${node.property.name}`;
      if (name === "Date.now") report(node, "Date is ambient: take now");
      if (name === "Math.random") report(node, "Math.random is ambient: take randomBytes");
    },
    NewExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "Date" && node.arguments.length === 0) {
        report(node, "Date is ambient: take now");
      }
    },
    AwaitExpression: waits,
    "FunctionDeclaration[async=true]": waits,
    "FunctionExpression[async=true]": waits,
    "ArrowFunctionExpression[async=true]": waits,
  };
}

/** A use of the global itself, not a property, parameter, type or import of that name. */
function isValue(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  if (parent.type === "MemberExpression") return parent.object === node;
  if (parent.type === "CallExpression" || parent.type === "NewExpression") return parent.callee === node;
  return false;
}

/** Whether a function around the node takes a parameter of that name. */
function isParameter({ name, parent }: Deno.lint.Identifier): boolean {
  let node: unknown = parent;
  while (typeof node === "object" && node !== null && "parent" in node) {
    if ("params" in node && Array.isArray(node.params) && node.params.some((param) => param.name === name)) return true;
    node = node.parent;
  }
  return false;
}

function pathOf(context: Deno.lint.RuleContext): string {
  return relative(root, context.filename).replaceAll("\\", "/");
}
