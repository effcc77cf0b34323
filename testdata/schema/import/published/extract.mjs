// Takes the examples out of the packages' own pages, as the libraries save them: JSON has neither types nor expressions.
import {readFileSync, writeFileSync} from 'node:fs'

const page = name => readFileSync(`node_modules/${name}/README.md`, 'utf8')
const save = (file, value) => {
    const plain = (_, v) => v instanceof RegExp ? String(v) : typeof v === 'function' ? v.name.toLowerCase() : v
    writeFileSync(file, JSON.stringify(value, plain, 2) + '\n')
}

const onetable = page('dynamodb-onetable').match(/const MySchema = (\{[\s\S]*?\n\})\n```/)[1]
save('onetable.json', new Function('EmailRegExp', 'return ' + onetable)(/^[^@\s]+@[^@\s]+$/))

const readme = page('electrodb')
const start = readme.lastIndexOf('const employees = new Entity({', readme.indexOf('const projectMembers'))
const code = readme.slice(start, readme.indexOf('```', start)).replaceAll(' as const', '')
const run = new Function('Entity', 'Service', 'client', 'table', code + '; return {employees, tasks, projectMembers}')
const model = function (m) { return m }
save('electrodb.json', run(model, model, null, 'projectmanagement'))
