/** What differs from server to server; the appid stands in project.config.json, too. */
module.exports = {
  /** Where wxpassport is. In the admin console it must be a request and an upload domain (开发管理 → 服务器域名). */
  baseUrl: 'https://login.example.com',
  appid: 'wx0000000000000000',
  /** As the server's config.yaml has it for this app: 'code+userinfo' or 'code'. @type {'code+userinfo' | 'code'} */
  login: 'code+userinfo',
}
